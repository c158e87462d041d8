#!/bin/sh
# Packs the tools tree, with its own mksquashfs.
# out: tools (squashfs), packages (name, version)
set -eu
. /run/step/debian/list.sh
list /run/left/root | cut -f 1,2 > /run/out/packages
mksquashfs /run/left/root /run/out/tools -noappend -quiet -no-progress -wildcards \
    -comp zstd -Xcompression-level 3 -b 1M -e 'run/*' 'proc/*' 'sys/*' 'dev/*' 'tmp/*'
