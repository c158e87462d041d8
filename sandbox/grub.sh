# Sourced for `grub_image TARGET OPTION …`, which makes GRUB with its modules, so the ISO needs no directory of them.
# The options are those of grub-mkimage(1), also names of more modules; a target of GRUB's own, or one with -pxe.

grub_image() {
    target=$1
    shift
    case $target in
    *-efi) set -- "$@" efi_gop efi_uga efifwsetup ;;
    *) set -- "$@" biosdisk drivemap vbe ;;
    esac
    grub-mkimage -O "$target" -d "/usr/lib/grub/${target%-pxe}" -p /boot/grub "$@" \
        all_video cat chain configfile echo fat font gfxmenu gfxterm halt help iso9660 linux loadenv ls minicmd \
        normal part_gpt part_msdos play png reboot regexp search search_fs_uuid search_label serial sleep terminal \
        test true video
}
