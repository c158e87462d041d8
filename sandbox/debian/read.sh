#!/bin/sh
# Prints the control file of the package $1, after a field that marks packages that an initramfs may contain: those with a
# kernel, modules, firmware, or hooks and scripts of an initramfs generator. Nothing of the package is unpacked.
set -eu
package=$1
control=$(mktemp)
dpkg-deb --ctrl-tarfile "$package" > "$control"

member() {
    tar -x -O -f "$control" --occurrence=1 --no-anchored "$1"
}

# md5sums and conffiles together list all files, and reading them is much faster than reading the files.
files() {
    case $members in
    *md5sums*) member md5sums | sed 's/^[0-9a-f]* *//' ;;
    *) dpkg-deb --fsys-tarfile "$package" | tar -t | sed 's,^\./,,' ;;
    esac
    case $members in
    *conffiles*) member conffiles | sed 's,^/,,' ;;
    esac
}

members=$(tar -t -f "$control")
if files | grep -Eq '^(usr/)?lib/(modules|firmware|dracut)/.|^boot/vmlinu|^(usr/share|etc)/initramfs-tools/(hooks|scripts|conf|modules)'
then
    echo 'X-Debate-Initrd: yes'
fi
member control
rm "$control"
