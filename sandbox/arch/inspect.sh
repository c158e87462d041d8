#!/bin/sh
# Writes what each package says of itself, as an entry of a pacman database, and whether an initramfs may care for it:
# it ships a kernel, modules, firmware, or hooks and modules of an initramfs generator.
# in: packages/SHA256    out: SHA256 (a desc file, after a line that begins with #)
set -eu
cat > /run/work/one <<'END'
set -eu
name=${1##*/}
tar -xOf "$1" --occurrence=1 .PKGINFO > "/run/work/$name.info"
tar -xOf "$1" --occurrence=1 .MTREE | zcat > "/run/work/$name.tree"
{
    if grep -Eq '^\./usr/lib/(modules|firmware|initcpio|dracut)/.' "/run/work/$name.tree"; then
        echo '#initrd'
    else
        echo '#'
    fi
    awk -F ' = ' '
        BEGIN {
            split("pkgname NAME pkgbase BASE pkgver VERSION pkgdesc DESC arch ARCH size ISIZE group GROUPS " \
                  "license LICENSE replaces REPLACES conflict CONFLICTS provides PROVIDES depend DEPENDS " \
                  "optdepend OPTDEPENDS", words, " ")
            for (n = 1; n in words; n += 2) { field[words[n]] = words[n + 1]; order[++count] = words[n] }
        }
        $1 in field { value = $0; sub(/^[^=]* = /, "", value); values[$1] = values[$1] value "\n" }
        END { for (n = 1; n <= count; n++) if (order[n] in values) printf "%%%s%%\n%s\n", field[order[n]], values[order[n]] }
    ' "/run/work/$name.info"
} > "/run/out/$name"
rm "/run/work/$name.info" "/run/work/$name.tree"
END
find /run/in/packages -type f -print0 | xargs -0 -n 1 -P "$(nproc)" sh /run/work/one
