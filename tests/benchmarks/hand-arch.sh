#!/bin/sh
# The same ISO by hand: the usual tools, one after the other, from packages that are there already; signatures unchecked.
# usage: hand-arch.sh INPUTS IMAGES ISO (INPUTS: what the step rootfs gets; IMAGES: GRUB's boot images and menu)
set -eu
inputs=$1 images=$2 iso=$3
work=$(mktemp -d "$(dirname "$iso")/hand-XXXXXX")
export SOURCE_DATE_EPOCH=1000000000
root=$work/root

mkdir -p "$root/var/lib/pacman/sync" "$root/dev" "$root/proc" "$root/tmp" "$work/hooks" "$work/iso/LiveOS" "$work/iso/boot"
cp "$inputs/index" "$root/var/lib/pacman/sync/debate.db"
for hook in 90-mkinitcpio-install 90-dracut-install; do
    ln -s /dev/null "$work/hooks/$hook.hook"
done
cat > "$work/pacman.conf" <<END
[options]
Architecture = x86_64
CacheDir = $inputs/packages
HookDir = $work/hooks
SigLevel = Never
[debate]
Server = file://$inputs/packages
END
mount --bind /dev "$root/dev"
mount -t proc proc "$root/proc"
xargs -a "$inputs/explicit" pacman --config "$work/pacman.conf" --noconfirm --noprogressbar --root "$root" -S
version=$(basename "$root"/usr/lib/modules/*)
chroot "$root" systemd-hwdb --usr update
chroot "$root" depmod "$version"
chroot "$root" ldconfig
chroot "$root" dracut --force --no-hostonly --reproducible --zstd --kver "$version" --add dmsquash-live /boot/initrd
umount "$root/proc" "$root/dev"
mv "$root/boot/initrd" "$work/iso/boot/initrd.img"
cp "$root/usr/lib/modules/$version/vmlinuz" "$work/iso/boot/vmlinuz"

mksquashfs "$root" "$work/iso/LiveOS/squashfs.img" -noappend -quiet -no-progress \
    -comp zstd -Xcompression-level 9 -b 1M -wildcards -e 'boot/*' 'usr/lib/modules/*/vmlinuz'

. "$(dirname "$0")/hand-iso.sh"
