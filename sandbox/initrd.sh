# Sourced for `generate ROOT VERSION`, which makes the initramfs of a kernel with the tools in ROOT.
# in: generator, mkinitcpio.conf    out: initrd
generate() {
    case $(cat /run/in/generator) in
    initramfs-tools)
        chroot "$1" mkinitramfs -c zstd -l 9 -o /boot/initrd "$2"
        ;;
    dracut)
        # It finds libraries that are opened by name (libkmod, by systemd) through the linker's cache.
        chroot "$1" ldconfig
        chroot "$1" dracut --force --no-hostonly --reproducible --zstd --kver "$2" \
            --add 'dmsquash-live' --omit 'plymouth' /boot/initrd
        ;;
    mkinitcpio)
        cp /run/in/mkinitcpio.conf "$1"/etc/mkinitcpio.conf
        chroot "$1" mkinitcpio -k "$2" -c /etc/mkinitcpio.conf -g /boot/initrd 2>&1 | tee /run/work/said
        # It goes on after a hook that failed, and may end with 0.
        if [ ! -s "$1"/boot/initrd ] || grep -q '^==> ERROR:' /run/work/said; then
            echo "debate: mkinitcpio failed; see above" >&2
            exit 1
        fi
        ;;
    esac
    cp "$1"/boot/initrd /run/out/initrd
}
