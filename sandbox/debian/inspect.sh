#!/bin/sh
# Writes the metadata of each package, and marks packages that an initramfs may contain: those with a
# kernel, modules, firmware, or hooks and scripts of an initramfs generator.
# in: packages/SHA256    out: SHA256 (a deb822 stanza)
set -eu
cat > /run/work/one <<'END'
set -eu
control=$(mktemp -d /run/work/control-XXXXXX)
dpkg-deb -e "$1" "$control"
# md5sums and conffiles together list all files, and reading them is much faster than unpacking.
if [ -e "$control/md5sums" ]; then
    sed 's/^[0-9a-f]* *//' "$control/md5sums" > "$control/names"
    [ ! -e "$control/conffiles" ] || sed 's,^/,,' "$control/conffiles" >> "$control/names"
else
    dpkg-deb --fsys-tarfile "$1" | tar -t | sed 's,^\./,,' > "$control/names"
fi
{
    cat "$control/control"
    if grep -Eq '^(usr/)?lib/(modules|firmware|dracut)/.|^boot/vmlinu|^(usr/share|etc)/initramfs-tools/(hooks|scripts|conf|modules)' \
        "$control/names"; then
        echo 'X-Debate-Initrd: yes'
    fi
} > "/run/out/${1##*/}"
rm -r "$control"
END
find /run/in/packages -type f -print0 | xargs -0 -n 1 -P "$(nproc)" sh /run/work/one
