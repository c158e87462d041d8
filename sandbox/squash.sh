#!/bin/sh
# Packs what the commands before changed in the system.
# in: mksquashfs    out: layer (squashfs, with whiteouts)
set -eu
xargs -a /run/in/mksquashfs mksquashfs /run/upper /run/out/layer -noappend -quiet -no-progress
