#!/bin/sh
# Prints the metadata of the package $1 as an entry of a pacman database, after a line that says what it has for kernel
# and initramfs (see ../holds.awk). Nothing of the package is unpacked.
set -eu
package=$1

# Both members are at the start of the archive, so with --occurrence tar does not read the rest.
member() {
    tar -x -O -f "$package" --occurrence=1 "$1"
}

files=$TMPDIR/files
member .MTREE | gzip -dc > "$files"
[ -s "$files" ]
echo "#$(sed -n 's,^\./\([^ ]*\).*,\1,p' "$files" | awk -f /run/step/holds.awk)"
rm "$files"
member .PKGINFO | awk -F ' = ' '
    BEGIN {
        split("pkgname NAME pkgver VERSION pkgbase BASE arch ARCH size ISIZE replaces REPLACES conflict CONFLICTS " \
              "provides PROVIDES depend DEPENDS", words, " ")
        for (n = 1; n in words; n += 2) { field[words[n]] = words[n + 1]; order[++count] = words[n] }
    }
    $1 in field { value = $0; sub(/^[^=]* = /, "", value); if (value != "") values[$1] = values[$1] value "\n" }
    END { for (n = 1; n <= count; n++) if (order[n] in values) printf "%%%s%%\n%s\n", field[order[n]], values[order[n]] }
'
