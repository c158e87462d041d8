#!/bin/sh
# Packs the whole system as one image, for a live system that cannot stack layers itself.
# in: mksquashfs    out: image (squashfs), sha512 (for sha512sum -c)
set -eu
xargs -a /run/in/mksquashfs mksquashfs /run/layers /run/out/image -noappend -quiet -no-progress
sha512sum < /run/out/image | sed 's/-$/airootfs.sfs/' > /run/out/sha512
