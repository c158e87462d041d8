#!/bin/sh
# Packs the system that rootfs.sh left, as the lowest layer.
# in: mksquashfs    out: layer (squashfs), packages (see list.sh)
set -eu
. /run/step/debian/list.sh
list /run/left/root > /run/out/packages
# The kernel is booted from the ISO, not from this layer.
. /run/step/mksquashfs.sh
pack /run/left/root /run/out/layer 'boot/vmlinuz-*' 'boot/System.map-*'
