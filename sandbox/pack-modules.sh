#!/bin/sh
# Packs the modules that DKMS built for a kernel.
# in: kernel (its version)    out: modules (tar)
set -eu
cd /run/left/root
version=$(cat /run/in/kernel)
for module in var/lib/dkms/*/*/"$version"/*/module/*.ko*; do
    echo "${module##*/}"
done > /run/work/built
find "usr/lib/modules/$version" -type f -printf '%f\t%p\n' |
    awk -F '\t' 'NR == FNR { built[$0]; next } $1 in built { print $2 }' /run/work/built - > /run/work/modules
tar -c -f /run/out/modules --sort=name --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner \
    -T /run/work/modules
