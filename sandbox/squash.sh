#!/bin/sh
# Packs what the commands before changed in the system.
# in: mksquashfs    out: layer (squashfs, with whiteouts)
set -eu
. /run/step/mksquashfs.sh
pack /run/upper /run/out/layer
