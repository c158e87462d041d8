#!/bin/sh
# Makes GRUB's boot images. Their modules are in them: the ISO needs no module directory.
# in: firmware, early.cfg, volume    out: bios, mbr (firmware bios); efi (firmware uefi)
set -eu
modules='all_video cat chain configfile echo font gfxterm halt help iso9660 linux loadenv ls minicmd
    normal part_gpt part_msdos reboot regexp search search_fs_uuid search_label serial sleep terminal
    test true video'

while read -r firmware; do
    case $firmware in
    bios)
        grub-mkimage -O i386-pc -d /usr/lib/grub/i386-pc -c /run/in/early.cfg -p /boot/grub \
            -o /run/work/core.img biosdisk vbe $modules
        cat /usr/lib/grub/i386-pc/cdboot.img /run/work/core.img > /run/out/bios
        cp /usr/lib/grub/i386-pc/boot_hybrid.img /run/out/mbr
        ;;
    uefi)
        grub-mkimage -O x86_64-efi -d /usr/lib/grub/x86_64-efi -c /run/in/early.cfg -p /boot/grub \
            -o /run/work/BOOTX64.EFI efi_gop efi_uga fat $modules
        kibibytes=$((($(stat -c %s /run/work/BOOTX64.EFI) / 1024 + 256 + 31) / 32 * 32))
        # --invariant: mkfs.fat takes its times from nowhere; mtools takes them from the epoch.
        mkfs.fat --invariant -F 12 -i "$(cat /run/in/volume)" -n EFI -C /run/out/efi "$kibibytes" > /dev/null
        touch -d "@$SOURCE_DATE_EPOCH" /run/work/BOOTX64.EFI
        mmd -i /run/out/efi ::/EFI ::/EFI/BOOT
        mcopy -m -i /run/out/efi /run/work/BOOTX64.EFI ::/EFI/BOOT/BOOTX64.EFI
        ;;
    esac
done < /run/in/firmware
