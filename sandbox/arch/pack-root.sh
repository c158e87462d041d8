#!/bin/sh
# Packs the system that rootfs.sh left, as the lowest layer.
# in: mksquashfs, noextract    out: layer (squashfs), packages (see list.sh), remarks (see ../remarks.pl)
set -eu
. /run/step/arch/list.sh
list /run/left/root > /run/out/packages
perl /run/step/remarks.pl /run/left/root > /run/out/remarks
. /run/step/mksquashfs.sh
pack_system /run/left/root /run/out/layer 'boot/*-ucode.img'
