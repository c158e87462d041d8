#!/bin/sh
# Looks in a layer, or in an initramfs, for what must not be in an image: private keys, tokens, and what must differ
# between machines.
# in: initrd; without it, the layer is in /run/layers
# out: found (fields that each end with NUL: what it is, path, SHA-256, packages with commas between them)
# What it is is empty for a file that is as its package has it: that is the same on every machine and no secret of this
# image. The packages are those that own the file, or else seem to have made it.
set -eu
. /run/step/debian/owners.sh
. /run/step/arch/owners.sh
export LC_ALL=C
work=/run/work tab=$(printf '\t')
# Bytes of a file that are searched at once, and after which the next ones begin. What is to be found is shorter than
# what both have. Bytes that are searched of a file.
part=67108864 step=66060288 most=17179869184
if [ -e /run/in/initrd ]; then
    perl /run/step/initramfs.pl /run/in/initrd "$work/tree"
    cd "$work/tree"
else
    cd /run/layers
fi

# Rows about the content of any file give patterns, the others give names.
set --
grep -v -e '^#' -e '^$' /run/step/secrets.table > "$work/rows"
if [ -f etc/crypttab ] && [ ! -L etc/crypttab ]; then
    awk '!/^#/ && $3 ~ "^/" { sub(/:.*/, "", $3); print $3 }' etc/crypttab | sed 's/[][*?\\]/\\&/g' | while IFS= read -r key; do
        printf '%s\t%s\t%s\n' "the key of an encrypted disk" ".$key" -
    done >> "$work/rows"
fi
while IFS=$tab read -r what name pattern; do
    if [ "$name" = '*' ]; then
        printf '%s\n' "$pattern" >> "$work/patterns"
    else
        set -- "$@" -o -path "$name"
    fi
done < "$work/rows"
shift
find . -type f -size +0 \( \( "$@" \) -fprint0 "$work/named" , -size "-$((part + 1))c" -fprint0 "$work/small" , \
    -size "+${part}c" -fprint0 "$work/large" , -size "+${most}c" -fprint0 "$work/huge" \)

# With -z a file without NUL is one line, so that a pattern can say what follows a line.
# Each has a file of its own: what several write to one can be mixed in the middle of a name.
mkdir "$work/found" "$work/found-parts"
WORK=$work xargs -0 -r -a "$work/small" -n 400 -P "$(nproc)" sh -c \
    'grep -lzZaE -f "$WORK/patterns" -- "$@" >> "$WORK/found/$$"' sh 2> "$work/errors" || true
find "$work/found" -type f -exec cat {} + > "$work/content"
xargs -0 -r -a "$work/large" -n 1 sh -euc '
    size=$(stat -c %s -- "$4") at=0
    [ "$size" -lt "$3" ] || size=$3
    while printf "%s\0%s\0" "$at" "$4" && [ "$((at + $1))" -lt "$size" ]; do at=$((at + $2)); done
' sh "$part" "$step" "$most" > "$work/parts"
cat > "$work/take" << 'END'
dd if="$2" bs=1048576 skip="$(($1 / 1048576))" count=64 status=none
END
# grep counts, since dd complains if nobody reads to the end.
WORK=$work xargs -0 -r -a "$work/parts" -n 2 -P "$(nproc)" sh -euc '
    [ "$(sh "$WORK/take" "$@" | grep -czaE -f "$WORK/patterns")" = 0 ] || printf "%s %s\0" "$@" >> "$WORK/found-parts/$$"
' sh 2>> "$work/errors"
find "$work/found-parts" -type f -exec cat {} + > "$work/content-parts"
if [ -s "$work/errors" ]; then
    cat "$work/errors" >&2
    exit 1
fi

sed -z 's/^[0-9]* //' "$work/content-parts" >> "$work/content"
sort -zu "$work/named" "$work/content" "$work/huge" > "$work/candidates"
# Their owners, and those of the directories above.
tr '\0' '\n' < "$work/candidates" | awk '{
    sub(/^\.\//, "")
    for (path = $0; !(path in seen) && path != ""; sub(/(^|\/)[^\/]*$/, "", path)) { seen[path]; print path }
}' > "$work/wanted"
{ dpkg_owners "$work/wanted"; pacman_owners "$work/wanted"; } > "$work/owners"

# of PATH [MD5 SHA256]: the packages of a path, or only those that have it with one of these digests.
of() {
    WANTED=$1 MD5=${2-} SHA256=${3-} awk -F '\t' '
        $1 == ENVIRON["WANTED"] && (ENVIRON["MD5"] == "" || $3 == ENVIRON["MD5"] || $3 == ENVIRON["SHA256"]) { print $2 }
    ' "$work/owners" | sort -u
}

# few NAMES: NAMES with commas between them, or nothing if there are more than three, or others than of packages: the
# database is the layer's.
few() {
    printf '%s' "$1" | awk '
        length > 255 || !/^[A-Za-z0-9][A-Za-z0-9@+._-]*$/ { other = 1 }
        { all = all (NR > 1 ? "," : "") $0 }
        END { if (NR <= 3 && !other) printf "%s", all }'
}

# makers PATH: the packages that have a file, or whose scripts name it, or that have the directory that it is in.
makers() {
    found=$(of "$1")
    [ "$found" ] || found=$({ dpkg_scripts "/$1"; pacman_scripts "/$1"; } | sort -u)
    above=$1
    while [ -z "$found" ]; do
        above=${above%/*}
        case $above in
        */*) found=$(of "$above") ;;
        *) break ;;
        esac
    done
    few "$found"
}

# kind PATH CONTENT: what a file is by the first row that fits it and the file CONTENT; nothing for a public example.
kind() {
    while IFS=$tab read -r what name pattern; do
        case ./$1 in
        $name) ;;
        *) continue ;;
        esac
        if [ "$pattern" = - ] || { grep -qzaE -e "$pattern" -- "$2" &&
            grep -ozaE -e "$pattern" -- "$2" | tr '\0\n' '\n ' | grep -qv EXAMPLE; }; then
            printf '%s' "$what"
            return
        fi
    done < "$work/rows"
}

# kind_of PATH: what a file of any size is.
kind_of() {
    size=$(stat -c %s -- "$1")
    if [ "$size" -le "$part" ]; then
        kind "$1" "$1"
        return
    fi
    what=
    for place in 0 $(tr '\n\0' '\1\n' < "$work/content-parts" | WANTED=./$1 awk '
        substr($0, index($0, " ") + 1) == ENVIRON["WANTED"] { print $1 }'); do
        [ "$what" ] || sh "$work/take" "$place" "$1" > "$work/part"
        [ "$what" ] || what=$(kind "$1" "$work/part")
    done
    [ "$what" ] || [ "$size" -le "$most" ] || what="too large to be searched to its end"
    printf '%s' "$what"
}

# judge PATH: writes what is found about a file.
judge() {
    case $1 in
    *[[:cntrl:]]*)
        printf '%s\0' "what may be a secret, and has control characters in its name" "$1" "" ""
        return
        ;;
    esac
    sha256=$(sha256sum < "$1") md5=$(md5sum < "$1")
    sha256=${sha256%% *} md5=${md5%% *}
    shipped=$(of "$1" "$md5" "$sha256")
    if [ "$shipped" ]; then
        printf '%s\0' "" "$1" "$sha256" "$(few "$shipped")"
        return
    fi
    what=$(kind_of "$1")
    [ -z "$what" ] || printf '%s\0' "$what" "$1" "$sha256" "$(makers "$1")"
}

tr '\n\0' '\1\n' < "$work/candidates" | while IFS= read -r file; do
    judge "${file#./}"
done > /run/out/found
