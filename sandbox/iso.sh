#!/bin/sh
# Writes the ISO. xorriso takes UUIDs and volume dates from SOURCE_DATE_EPOCH, but not the dates of files. It notices
# that it is done only when it reports its progress, hence ten reports per second.
# in: iso/ (the tree), options (NUL-separated), mbr, efi    standard output: the ISO
set -eu
date=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y%m%d%H%M%S00)
xargs -0 -a /run/in/options xorriso -pacifier interval=0.1 -as mkisofs -quiet --set_all_file_dates "$date" \
    -o - /run/in/iso < /dev/null
