#!/bin/bash
# The dracut module live-layers, which runs dracut-copied.sh and dracut-stack.sh at boot. See dracut.modules(7).
# Sourced by dracut, as module-setup.sh.

check() {
    return 255  # Only if it is requested.
}

depends() {
    echo dmsquash-live
}

installkernel() {
    instmods loop overlay squashfs vfat nls_ascii nls_cp437 nls_iso8859-1
}

install() {
    inst_multiple blkid cat cp ln mkdir mount sha256sum umount
    inst_hook initqueue/settled 50 "$moddir/copied.sh"
    inst_hook pre-mount 50 "$moddir/stack.sh"
}
