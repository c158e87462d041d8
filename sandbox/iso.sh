#!/bin/sh
# Writes the ISO. xorriso takes its UUIDs and volume dates from SOURCE_DATE_EPOCH, but not the files'. Between reports
# of its progress it does not look whether it is done, so there are ten a second.
# in: iso/ (the tree), options (NUL-separated), mbr, efi    standard output: the ISO
set -eu
date=$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y%m%d%H%M%S00)
xargs -0 -a /run/in/options xorriso -pacifier interval=0.1 -as mkisofs -quiet --set_all_file_dates "$date" \
    -o - /run/in/iso < /dev/null
