#!/bin/sh
# Packs what was installed on the layers below. The package list is that of the whole system.
# in: mksquashfs    out: layer, packages (see list.sh)
set -eu
. /run/step/arch/list.sh
list /run/layers > /run/out/packages
. /run/step/mksquashfs.sh
pack_system /run/upper /run/out/layer 'boot/*-ucode.img'
