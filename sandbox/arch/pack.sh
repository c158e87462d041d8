#!/bin/sh
# Packs what was installed on the layers below. The list of packages is that of the whole system.
# in: mksquashfs    out: layer, packages (as rootfs.sh)
set -eu
. /run/step/arch/list.sh
list /run/layers
. /run/step/squash.sh
