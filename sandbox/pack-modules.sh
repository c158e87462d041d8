#!/bin/sh
# Packs the modules that DKMS built for a kernel.
# in: kernel (its version)    out: modules (tar)
set -eu
cd /run/left/root
version=$(cat /run/in/kernel)
for module in var/lib/dkms/*/*/"$version"/*/module/*.ko*; do
    find "usr/lib/modules/$version" -type f -name "${module##*/}" -print0
done > /run/work/modules
tar -c -f /run/out/modules --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner \
    --null --verbatim-files-from -T /run/work/modules
