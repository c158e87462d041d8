#!/bin/sh
# Writes the ISO, with the boot images that find it. xorriso takes UUIDs and volume dates from SOURCE_DATE_EPOCH, but not
# the dates of files. It notices that it is done only when it reports its progress, hence ten reports per second.
# in: iso/ (the tree), options (NUL-separated), mbr; bios (GRUB's target) and early.cfg; esp.cfg and volume; font, of a menu
#     with a theme, or an empty file for GRUB's own
# standard output: the ISO
set -eu
. /run/step/problem.sh
. /run/step/grub.sh

mkdir -p /run/work/iso/boot/grub
if [ -e /run/in/bios ]; then
    target=$(cat /run/in/bios)
    grub_image "$target" -c /run/in/early.cfg -o /run/work/core.img
    cat "/usr/lib/grub/$target/cdboot.img" /run/work/core.img > /run/work/iso/boot/grub/bios.img
fi
if [ -e /run/in/esp.cfg ]; then
    kibibytes=$((($(cat /run/in/iso/EFI/BOOT/* | wc -c) / 1024 + 256 + 31) / 32 * 32))
    # With clusters of 2 KiB from a multiple of it on, files start where sectors of the ISO do, and are kept once: see
    # debate/sandbox/known_parts.py. Before the clusters are reserved sectors, two tables, and 32 sectors of the root.
    for reserved in 4 2; do
        rm -f /run/work/esp
        # --invariant: mkfs.fat writes fixed times; mtools takes them from the epoch.
        mkfs.fat --invariant -s 4 -R "$reserved" -i "$(cat /run/in/volume)" -n EFI -C /run/work/esp "$kibibytes" > /dev/null
        table=$(od -A n -t u2 -j 22 -N 2 /run/work/esp)
        [ $(((reserved + 2 * table) % 4)) != 0 ] || break
    done
    mmd -i /run/work/esp ::/EFI ::/EFI/BOOT ::/boot ::/boot/grub
    for file in /run/in/iso/EFI/BOOT/*; do
        mcopy -i /run/work/esp "$file" "::/EFI/BOOT/${file##*/}"
    done
    mcopy -i /run/work/esp /run/in/esp.cfg ::/boot/grub/grub.cfg
fi
if [ -e /run/in/font ]; then
    theme=/run/work/iso/boot/grub/theme
    mkdir -p "$theme"
    if [ ! -s /run/in/font ]; then
        cp /usr/share/grub/ascii.pf2 "$theme"/font.pf2
    elif [ "$(head -c 4 /run/in/font)" = FILE ]; then
        cp /run/in/font "$theme"/font.pf2
    else
        grub-mkfont -r 0x20-0x7e -s 20 -o "$theme"/font.pf2 /run/in/font > /run/work/said 2>&1 ||
            problem boot.theme "" "the font is none that grub-mkfont reads: $(head -n 1 /run/work/said)" "choose another font"
        stop_on_problems
    fi
fi
date=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y%m%d%H%M%S00)
xargs -0 -a /run/in/options xorriso -pacifier interval=0.1 -as mkisofs -quiet --set_all_file_dates "$date" \
    -o - /run/in/iso /run/work/iso < /dev/null
