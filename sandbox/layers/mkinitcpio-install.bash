#!/bin/bash
# The mkinitcpio hook live_layers, when an initramfs is made: puts mkinitcpio-hook.sh into it. See mkinitcpio(8).

build() {
    # What it takes the place of. A system that mounts its lowest layer alone would start, and be another one.
    if ! grep -q '^_mnt_overlayfs()' /usr/lib/initcpio/hooks/archiso; then
        error "live_layers: archiso's hook has no function _mnt_overlayfs any more; choose initrd: {generator: dracut}"
        return 1
    fi
    add_runscript
}

help() {
    echo "Stacks the images that the file layers beside airootfs.sfs names on it, the lowest first."
}
