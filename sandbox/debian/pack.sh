#!/bin/sh
# Packs what was installed on the layers below.
# in: mksquashfs    out: layer, packages (see list.sh)
set -eu
. /run/step/debian/list.sh
list /run/upper > /run/out/packages
. /run/step/mksquashfs.sh
pack_system /run/upper /run/out/layer
