#!/bin/bash
# The dracut module live-layers, which runs dracut-stack.sh at boot. See dracut.modules(7).
# Sourced by dracut, as module-setup.sh.

check() {
    return 255  # Only if it is requested.
}

depends() {
    echo dmsquash-live
}

installkernel() {
    instmods loop overlay squashfs
}

install() {
    inst_multiple cp mkdir mount
    inst_hook pre-mount 50 "$moddir/stack.sh"
}
