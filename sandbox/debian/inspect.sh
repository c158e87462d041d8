#!/bin/sh
# Writes what each package says of itself, and whether an initramfs may care for it: it ships a
# kernel, modules, firmware, or hooks and scripts of an initramfs generator.
# in: packages/SHA256    out: SHA256 (a deb822 stanza)
set -eu
cat > /run/work/one <<'END'
set -eu
dpkg-deb -f "$1" > "/run/out/${1##*/}"
if dpkg-deb --fsys-tarfile "$1" | tar -t | grep -Eq \
    '^\./(usr/)?lib/(modules|firmware|dracut)/.|^\./boot/vmlinu|^\./(usr/share|etc)/initramfs-tools/(hooks|scripts|conf|modules)'
then
    echo 'X-Debate-Initrd: yes' >> "/run/out/${1##*/}"
fi
END
find /run/in/packages -type f -print0 | xargs -0 -n 1 -P "$(nproc)" sh /run/work/one
