# Sourced at the end of a script that has laid out $work/iso: makes $iso of it and of $images, and removes $work.
cp -r "$images/boot" "$work/iso/"
xorriso -as mkisofs -quiet -iso-level 3 -rational-rock -joliet -volid HAND -partition_offset 16 \
    -b boot/grub/bios.img -c boot/grub/boot.cat -no-emul-boot -boot-load-size 4 -boot-info-table \
    --grub2-boot-info --grub2-mbr "$images/mbr" \
    -append_partition 2 C12A7328-F81F-11D2-BA4B-00A0C93EC93B "$images/efi" -appended_part_as_gpt \
    -eltorito-alt-boot -e --interval:appended_partition_2:all:: -no-emul-boot -o "$iso" "$work/iso"
sha256sum "$iso" > "$iso.sha256"
rm -rf "$work"
