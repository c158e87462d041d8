#!/bin/sh
# Makes GRUB's boot images. They contain their modules, so the ISO needs no module directory.
# in: firmware (bios or uefi, and GRUB's target for it), removable (the file that UEFI starts), early.cfg, volume
# out: bios, mbr (firmware bios); efi (firmware uefi)
set -eu
modules='all_video cat chain configfile echo font gfxterm halt help iso9660 linux loadenv ls minicmd
    normal part_gpt part_msdos reboot regexp search search_fs_uuid search_label serial sleep terminal
    test true video'

removable=$(cat /run/in/removable)
while read -r firmware target; do
    case $firmware in
    bios)
        grub-mkimage -O "$target" -d "/usr/lib/grub/$target" -c /run/in/early.cfg -p /boot/grub \
            -o /run/work/core.img biosdisk vbe $modules
        cat "/usr/lib/grub/$target/cdboot.img" /run/work/core.img > /run/out/bios
        cp "/usr/lib/grub/$target/boot_hybrid.img" /run/out/mbr
        ;;
    uefi)
        grub-mkimage -O "$target" -d "/usr/lib/grub/$target" -c /run/in/early.cfg -p /boot/grub \
            -o "/run/work/$removable" efi_gop efi_uga fat $modules
        kibibytes=$((($(stat -c %s "/run/work/$removable") / 1024 + 256 + 31) / 32 * 32))
        # --invariant: mkfs.fat writes fixed times; mtools takes them from the epoch.
        mkfs.fat --invariant -F 12 -i "$(cat /run/in/volume)" -n EFI -C /run/out/efi "$kibibytes" > /dev/null
        touch -d "@$SOURCE_DATE_EPOCH" "/run/work/$removable"
        mmd -i /run/out/efi ::/EFI ::/EFI/BOOT
        mcopy -m -i /run/out/efi "/run/work/$removable" "::/EFI/BOOT/$removable"
        ;;
    esac
done < /run/in/firmware
