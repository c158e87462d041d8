#!/bin/sh
# Packs the whole system as one image, for a live system that cannot stack layers itself.
# in: mksquashfs    out: image (squashfs), sha512 (for sha512sum -c)
set -eu
. /run/step/mksquashfs.sh
pack /run/layers /run/out/image
sha512sum < /run/out/image | sed 's/-$/airootfs.sfs/' > /run/out/sha512
