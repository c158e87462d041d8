#!/bin/sh
# Makes what boots and is the same on all ISOs. GRUB as UEFI starts it reads /boot/grub/grub.cfg where it lies itself.
# in: targets (lines of an output and GRUB's target for it)
# out: mbr (BIOS: boot code of a disk), BOOTX64.EFI and BOOTIA32.EFI (GRUB)
set -eu
. /run/step/grub.sh

while read -r output target; do
    case $output in
    mbr) cp "/usr/lib/grub/$target/boot_hybrid.img" /run/out/mbr ;;
    *) grub_image "$target" -o "/run/out/$output" ;;
    esac
done < /run/in/targets
