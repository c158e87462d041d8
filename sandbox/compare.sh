#!/bin/sh
# Shows the differences of two files that should be the same, with diffoscope if it is installed.
# in: first, second    out: difference (text)
set -u
cd /run/work
first=/run/in/first second=/run/in/second

trees() { # Compares listings, then contents, of the directories first/ and second/.
    for name in first second; do
        (cd "$name" && find . -printf '%p  %y %m %U:%G %s %TY-%Tm-%Td %TH:%TM:%TS %l\n' | sort) > "$name.list"
    done
    echo 'Listings (- first, + second):'
    diff -U 0 first.list second.list | grep '^[-+][^-+]' | head -n 40
    echo 'Contents:'
    diff -r -U 0 --no-dereference first second 2> /dev/null | cut -c 1-200 | head -n 60
}

describe() {
    if command -v diffoscope > /dev/null; then
        diffoscope --no-progress --text - "$first" "$second"
        return
    fi
    for name in first second; do
        mkdir -p "$name"
        case $(head -c 4 "/run/in/$name" | od -An -tx1 | tr -d ' \n') in
        68737173) unsquashfs -no-progress -ignore-errors -force -dest "$name" "/run/in/$name" ;;
        28b52ffd) (cd "$name" && zstd -dcq "/run/in/$name" | cpio -idm --quiet) ;;
        *) xorriso -osirrox on -indev "/run/in/$name" -extract / "$name" ;;
        esac > /dev/null 2>&1
    done
    if rmdir first second 2> /dev/null; then
        echo 'Bytes (offset from 1, octal values):'
        cmp -l "$first" "$second" | head -n 20
    else
        trees
    fi
}

describe > /run/out/difference 2>&1
exit 0
