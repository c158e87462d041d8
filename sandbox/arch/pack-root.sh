#!/bin/sh
# Packs the system that rootfs.sh left, as the lowest layer.
# in: mksquashfs    out: layer (squashfs), packages (see list.sh)
set -eu
. /run/step/arch/list.sh
list /run/left/root > /run/out/packages
. /run/step/mksquashfs.sh
pack_system /run/left/root /run/out/layer 'boot/*-ucode.img'
