#!/bin/bash
# The build part of the mkinitcpio hook live_layers: adds mkinitcpio-hook.sh to the initramfs. See mkinitcpio(8).

build() {
    # Without the function that it replaces, the system would boot with only its lowest layer.
    if ! grep -q '^_mnt_overlayfs()' /usr/lib/initcpio/hooks/archiso; then
        error "live_layers: archiso's hook no longer has a function _mnt_overlayfs; choose initrd: {generator: dracut}"
        return 1
    fi
    add_runscript
}

help() {
    echo "Stacks the images listed in the file layers on airootfs.sfs, the lowest first."
}
