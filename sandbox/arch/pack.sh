#!/bin/sh
# Packs what was installed on the layers below. The package list is that of the whole system.
# in: mksquashfs, noextract    out: layer, packages (see list.sh), remarks (see ../remarks.pl)
set -eu
. /run/step/arch/list.sh
list /run/layers > /run/out/packages
perl /run/step/remarks.pl /run/layers /run/upper > /run/out/remarks
. /run/step/mksquashfs.sh
pack_system /run/upper /run/out/layer 'boot/*-ucode.img'
