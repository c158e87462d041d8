#!/bin/sh
# Packs what was installed on the layers below.
# in: mksquashfs, dpkg.cfg    out: layer, packages (see list.sh), remarks (see ../remarks.pl)
set -eu
. /run/step/debian/list.sh
list /run/upper > /run/out/packages
perl /run/step/remarks.pl /run/layers /run/upper > /run/out/remarks
. /run/step/mksquashfs.sh
pack_system /run/upper /run/out/layer
