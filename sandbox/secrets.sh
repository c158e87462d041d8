#!/bin/sh
# Looks in a layer for what must not be in an image: private keys, tokens, and what must differ between machines.
# out: found (fields that each end with NUL: what it is, path, SHA-256, packages with commas between them)
# What it is is empty for a file that is as its package has it: that is the same on every machine and no secret of this
# image. The packages are those that own the file, or else seem to have made it.
set -eu
. /run/step/debian/owners.sh
. /run/step/arch/owners.sh
cd /run/layers
export LC_ALL=C
work=/run/work tab=$(printf '\t')
most=67108864 # Bytes that are read of a file.

# Rows about the content of any file give patterns, the others give names.
set --
grep -v -e '^#' -e '^$' /run/step/secrets.table > "$work/rows"
while IFS=$tab read -r what name pattern; do
    if [ "$name" = '*' ]; then
        printf '%s\n' "$pattern" >> "$work/patterns"
    else
        set -- "$@" -o -path "$name"
    fi
done < "$work/rows"
shift
find . -type f -size +0 \( \( "$@" \) -fprint0 "$work/named" , -size "-$((most + 1))c" -fprint0 "$work/small" , \
    -size "+${most}c" -fprint0 "$work/large" \)

# With -z a file without NUL is one line, so that a pattern can say what follows a line.
# Each has a file of its own: what several write to one can be mixed in the middle of a name.
mkdir "$work/found"
WORK=$work xargs -0 -r -a "$work/small" -n 400 -P "$(nproc)" sh -c \
    'grep -lzZaE -f "$WORK/patterns" -- "$@" >> "$WORK/found/$$"' sh 2> "$work/errors" || true
find "$work/found" -type f -exec cat {} + > "$work/content"
xargs -0 -r -a "$work/large" -n 1 sh -euc '
    if head -c "$0" -- "$2" | grep -qzaE -f "$1"; then printf "%s\0" "$2"; fi' "$most" "$work/patterns" \
    >> "$work/content" 2>> "$work/errors"
if [ -s "$work/errors" ]; then
    cat "$work/errors" >&2
    exit 1
fi

sort -zu "$work/named" "$work/content" > "$work/candidates"
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

# few NAMES: NAMES with commas between them, or nothing if there are more than three.
few() {
    printf '%s' "$1" | awk '{ all = all (NR > 1 ? "," : "") $0 } END { if (NR <= 3) printf "%s", all }'
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

# kind PATH: what a file is by the first row that fits; nothing for a public example.
kind() {
    part=$1
    if [ "$(stat -c %s -- "$1")" -gt "$most" ]; then
        part=$work/part
        head -c "$most" -- "$1" > "$part"
    fi
    while IFS=$tab read -r what name pattern; do
        case ./$1 in
        $name) ;;
        *) continue ;;
        esac
        if [ "$pattern" = - ] || { grep -qzaE -e "$pattern" -- "$part" &&
            grep -ozaE -e "$pattern" -- "$part" | tr '\0\n' '\n ' | grep -qv EXAMPLE; }; then
            printf '%s' "$what"
            return
        fi
    done < "$work/rows"
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
    what=$(kind "$1")
    [ -z "$what" ] || printf '%s\0' "$what" "$1" "$sha256" "$(makers "$1")"
}

tr '\n\0' '\1\n' < "$work/candidates" | while IFS= read -r file; do
    judge "${file#./}"
done > /run/out/found
