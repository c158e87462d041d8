#!/bin/sh
# Writes the metadata of each package as an entry of a pacman database, and marks packages that an initramfs may contain:
# those with a kernel, modules, firmware, or hooks and modules of an initramfs generator.
# in: packages/SHA256    out: SHA256 (a desc file, after a line that begins with #)
set -eu
mkdir /run/work/said
# Both members are at the start of the archive, so with --occurrence tar does not read the rest.
find /run/in/packages -type f -print0 | xargs -0 -n 16 -P "$(nproc)" sh -euc '
. /run/step/problem.sh
for package; do
    name=${package##*/}
    mkdir "/run/work/said/$name"
    cd "/run/work/said/$name"
    tar -x -f "$package" --occurrence=1 .PKGINFO .MTREE
    for member in .PKGINFO .MTREE; do
        if [ ! -f "$member" ] || [ -L "$member" ]; then
            problem "" "" "the package with the SHA-256 $name has no regular file $member"
        fi
        stop_on_problems
    done
    if gzip -dc .MTREE | grep -Eq "^\./usr/lib/(modules|firmware|initcpio|dracut)/."; then
        echo "#initrd"
    else
        echo "#"
    fi > "/run/out/$name"
done
' sh
cd /run/work/said
find . -name .PKGINFO -print0 | xargs -0 awk -F ' = ' '
    function told() {
        for (n = 1; n <= count; n++) if (order[n] in values) printf "%%%s%%\n%s\n", field[order[n]], values[order[n]] >> out
        close(out)
        delete values
    }
    BEGIN {
        split("pkgname NAME pkgbase BASE pkgver VERSION pkgdesc DESC arch ARCH size ISIZE group GROUPS " \
              "license LICENSE replaces REPLACES conflict CONFLICTS provides PROVIDES depend DEPENDS " \
              "optdepend OPTDEPENDS", words, " ")
        for (n = 1; n in words; n += 2) { field[words[n]] = words[n + 1]; order[++count] = words[n] }
    }
    FNR == 1 {
        if (out != "") told()
        split(FILENAME, path, "/")
        out = "/run/out/" path[2]
    }
    $1 in field { value = $0; sub(/^[^=]* = /, "", value); values[$1] = values[$1] value "\n" }
    END { told() }
'
