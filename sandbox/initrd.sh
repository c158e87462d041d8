# Sourced for `make_initrd ROOT`, which makes the initramfs with the tools in ROOT, where packages have their kernel as
# /boot/vmlinuz-VERSION or as /usr/lib/modules/VERSION/vmlinuz.
# in: kernel (its version), generator, mkinitcpio.conf    left: kernel, initrd
. /run/step/problem.sh

make_initrd() {
    root=$1 version=$(cat /run/in/kernel)
    kernel=$root/usr/lib/modules/$version/vmlinuz
    [ -e "$kernel" ] || kernel=$root/boot/vmlinuz-$version
    [ -d "$root/usr/lib/modules/$version" ] ||
        problem kernel "" "the kernel $version has no modules" "add the package that has them to packages"
    stop_on_problems
    mount --rbind /dev "$root"/dev
    mount --rbind /proc "$root"/proc
    [ ! -e "$root"/usr/bin/systemd-hwdb ] || chroot "$root" systemd-hwdb --usr update
    chroot "$root" depmod "$version"
    case $(cat /run/in/generator) in
    initramfs-tools)
        chroot "$root" mkinitramfs -c zstd -l 9 -o /boot/initrd "$version"
        ;;
    dracut)
        # dracut finds libraries that are loaded by name (libkmod, by systemd) through the linker's cache.
        chroot "$root" ldconfig
        module=$root/usr/lib/dracut/modules.d/91live-layers
        mkdir "$module"
        cp /run/step/layers/dracut-module.bash "$module"/module-setup.sh
        cp /run/step/layers/dracut-stack.sh "$module"/stack.sh
        chroot "$root" dracut --force --no-hostonly --reproducible --zstd --kver "$version" \
            --add 'dmsquash-live live-layers' --omit 'plymouth' /boot/initrd
        ;;
    mkinitcpio)
        cp /run/in/mkinitcpio.conf "$root"/etc/mkinitcpio.conf
        cp /run/step/layers/mkinitcpio-install.bash "$root"/usr/lib/initcpio/install/live_layers
        cp /run/step/layers/mkinitcpio-hook.sh "$root"/usr/lib/initcpio/hooks/live_layers
        {
            chroot "$root" mkinitcpio -k "$version" -c /etc/mkinitcpio.conf -g /boot/initrd 2>&1 ||
                echo "$?" > /run/work/failed
        } | tee /run/work/said
        # It continues after a failed hook, and may exit with 0.
        if [ -e /run/work/failed ] || [ ! -s "$root"/boot/initrd ] || grep -q '^==> ERROR:' /run/work/said; then
            problem initrd mkinitcpio "mkinitcpio failed" "see the log for its message"
            stop_on_problems
        fi
        ;;
    esac
    mv "$kernel" /run/work/kernel
    mv "$root"/boot/initrd /run/work/initrd
}
