# Sourced in the root directory of a system: removes what ../clean.sh does, and files of apt and dpkg.
. /run/step/clean.sh
rm -rf var/cache/apt/*.bin var/lib/apt/lists/* var/lib/dpkg/*-old var/cache/debconf/*-old \
    initrd.img initrd.img.old vmlinuz vmlinuz.old
. /run/step/debian/first-boot.sh
