#!/bin/sh
# Packs what was installed on the layers below.
# in: mksquashfs    out: layer, packages (see rootfs.sh)
set -eu
. /run/step/debian/list.sh
list /run/upper
. /run/step/squash.sh
