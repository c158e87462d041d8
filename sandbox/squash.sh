#!/bin/sh
# Packs the changes of earlier commands to the system.
# in: mksquashfs    out: layer (squashfs, with whiteouts)
set -eu
. /run/step/mksquashfs.sh
pack /run/upper /run/out/layer
