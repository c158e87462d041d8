# Sourced by overlay.sh: compares the kinds of the tree's paths with what the system has there, before they are unpacked.
# tar would take away links, and with /lib or /sbin goes the system. Needs `problem`; of the rest only what the shell has.
# in: wanted

# leads_to_directory LINK: true if it does, or will at boot: what is in /run is made there.
leads_to_directory() {
    [ ! -d "$1" ] || return 0
    [ ! -e "$1" ] || return 1
    place=$(readlink -m -- "$1" | sed 's/[][\.*^$+?(){}|\\]/\\&/g')
    cat /usr/lib/tmpfiles.d/*.conf /etc/tmpfiles.d/*.conf /usr/lib/systemd/system/*.mount 2> /dev/null |
        grep -qE "^([dDeqQv][^[:space:]]*[[:space:]]+$place(/[^[:space:]]*)?([[:space:]]|\$)|Where=$place\$)"
}

# fits_tree: tells each path that cannot be there. Leaves links in the place of links to directories in /run/work/led.
fits_tree() {
    clear= told=
    : > /run/work/led
    while IFS=$(printf '\t') read -r path kind mode owner group target <&9; do
        [ "$kind" != - ] || continue
        [ "$problems" -lt 20 ] || break
        parent=${path%/*}
        while [ -n "$parent" ] && [ "$parent" != "$clear" ] && [ ! -d "$parent" ]; do
            [ "$parent" != "$told" ] || continue 2
            if [ -e "$parent" ] || [ -L "$parent" ]; then
                problem files "$path" "$path: $parent is a file in the system, so nothing can be below it" "choose another path"
                told=$parent
                continue 2
            fi
            parent=${parent%/*}
        done
        clear=${path%/*}
        if [ "$kind" = directory ]; then
            [ -d "$path" ] || { [ ! -e "$path" ] && [ ! -L "$path" ]; } || {
                problem files "$path" "$path is a file in the system, and a directory cannot take its place" "choose another path"
                told=$path
            }
        elif [ ! -L "$path" ]; then
            [ ! -d "$path" ] ||
                problem files "$path" "$path is a directory in the system, and a $kind cannot take its place" "choose another path"
        elif leads_to_directory "$path"; then
            if [ "$kind" = file ]; then
                problem files "$path" "$path is a link to the directory $(readlink -m -- "$path") in the system, and a file cannot take its place" \
                    "choose another path, such as one below it"
            elif [ "$(readlink -- "$path")" != "$target" ]; then
                printf '%s\n' "$path" >> /run/work/led
            fi
        fi
    done 9< /run/in/wanted
}

# still_lead: tells each of those that leads to no directory, now that the tree is there.
still_lead() {
    while IFS= read -r path <&9; do
        [ -d "$path" ] || leads_to_directory "$path" ||
            problem files "$path" "$path is a link to a directory in the system, and the profile's leads to none" \
                "link to a directory, or choose another path"
    done 9< /run/work/led
}
