#!/bin/sh
# Resolves a package list against the mirrors' databases.
# in: as pacman.sh; packages, installed (the index of what lies below)
# out: resolved (tab-separated: name, version, repository, location, size, SHA-256, signature in base64)
set -eu
. /run/step/arch/pacman.sh
keyring >&2

ask -Sy >&2
cp /run/in/packages /run/work/wanted
if [ -s /run/in/installed ]; then
    tar -xf /run/in/installed -C "$pacman/db/local"
    for directory in "$pacman"/db/local/*/; do
        touch "${directory}files"
        sed -n '/^%NAME%$/{n;p}' "${directory}desc"
    done > /run/work/below
    echo 9 > "$pacman/db/local/ALPM_DB_VERSION"
    # What lies below stays as it is.
    grep -vxF -f /run/work/below /run/in/packages > /run/work/wanted || true
    if [ ! -s /run/work/wanted ]; then
        : > /run/out/resolved
        exit
    fi
fi
if ! xargs -a /run/work/wanted pacman --config "$pacman/pacman.conf" --noconfirm --color never \
    -Sp --print-format '%n %v %r %l %s' > /run/work/resolved 2> /run/work/errors; then
    cat /run/work/resolved /run/work/errors >&2
    ask -Slq | sort -u > /run/work/names
    sed -n 's/^error: target not found: //p' /run/work/errors | while read -r name; do
        # Names that agree in their first letters; the builder picks.
        grep -F "$(printf %.4s "$name")" /run/work/names | sed "s/^/candidate $name /" >&2
    done
    exit 1
fi

# pacman prints no SHA-256; it stands in the database. So may the signature.
for database in "$pacman"/db/sync/*.db; do
    tar -xOf "$database" --wildcards '*/desc'
    echo
done | awk -v RS= -F '\n' '
    function flush() { if (file != "") print file "\t" sha256 "\t" signature; file = sha256 = ""; signature = "-" }
    $1 == "%FILENAME%" { flush(); file = $2 }
    $1 == "%SHA256SUM%" { sha256 = $2 }
    $1 == "%PGPSIG%" { signature = $2 }
    END { flush() }' > /run/work/sums

while read -r name version repository location size; do
    line=$(awk -F '\t' -v file="${location##*/}" '$1 == file { print $2 "\t" $3; exit }' /run/work/sums)
    signature=${line#*	}
    if [ "$signature" = - ]; then
        # Where none can be had the field stays empty, and the package is refused.
        rm -f /run/work/signature
        case $location in
        file://*) cp "${location#file://}.sig" /run/work/signature || true ;;
        *) /usr/lib/apt/apt-helper -oAPT::Sandbox::User=root download-file "$location.sig" /run/work/signature >&2 || true ;;
        esac
        signature=
        [ ! -s /run/work/signature ] || signature=$(base64 -w 0 /run/work/signature)
    fi
    printf '%s\t%s\t%s\t%s\t%s\t%s\t%s\n' "$name" "$version" "$repository" "$location" "$size" "${line%%	*}" "$signature"
done < /run/work/resolved > /run/out/resolved
