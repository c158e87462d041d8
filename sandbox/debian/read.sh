#!/bin/sh
# Prints the control file of the package $1, after a field that says what it has for kernel and initramfs (see
# ../holds.awk). Nothing of the package is unpacked.
set -eu
package=$1
control=$TMPDIR/control
dpkg-deb --ctrl-tarfile "$package" > "$control"

# md5sums and conffiles together list all files, and reading them is much faster than reading the files.
listed=$(tar -x -O -f "$control" --occurrence=1 --no-anchored md5sums conffiles 2> /dev/null || true)
files() {
    case $listed in
    *[0-9a-f]'  '*) printf '%s\n' "$listed" | sed 's/^[0-9a-f]* *//; s,^/,,' ;;
    *) dpkg-deb --fsys-tarfile "$package" | tar -t | sed 's,^\./,,' ;;
    esac
}

words=$(files | awk -f /run/step/holds.awk)
[ ! "$words" ] || echo "X-Debate-Holds: $words"
tar -x -O -f "$control" --occurrence=1 --no-anchored control
rm "$control"
