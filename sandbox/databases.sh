# Sourced by overlay.sh: merges users and groups in the profile's own files into those of packages, which they override. The
# files keep their modes, since those in a tree are always 0644, and shadow must not be readable. Needs `problem` and `stop_on_problems`.
# in: tree.tar

databases='etc/passwd etc/group etc/shadow etc/gshadow'

# merge_databases: leaves the lines that were merged in /run/work/etc. Ends with problems if the system lacks a file for them.
merge_databases() {
    mkdir -p /run/work/etc
    for database in $databases; do
        tar -x -O -f /run/in/tree.tar "$database" > "/run/work/$database" 2> /dev/null || {
            rm "/run/work/$database"
            continue
        }
        for needed in $(printf '%s\n' "$database" etc/passwd etc/group | sort -u); do
            [ -f "/$needed" ] || problem files "/$database" "the system has no /$needed, which the profile's /$database needs" \
                "add the package that makes it, or leave /$database out"
        done
        stop_on_problems
        awk -F : 'NR == FNR { line[$1] = $0; order[++count] = $1; next }
            $1 in line { $0 = line[$1]; delete line[$1] }
            { print }
            END { for (n = 1; n <= count; n++) if (order[n] in line) print line[order[n]] }' \
            "/run/work/$database" "/$database" > /run/work/merged
        cat /run/work/merged > "/$database"
    done
}

# told DATABASE REMEDY: tells a problem for each line of /run/work/facts.
told() {
    while IFS= read -r fact <&9; do
        problem files "/$1" "/$1: $fact" "$2"
    done 9< /run/work/facts
}

# compare_databases: tells what the lines of the profile do not have, or share, in the system.
compare_databases() {
    for database in etc/passwd etc/group; do
        [ -e "/run/work/$database" ] || continue
        what=uid
        [ "$database" = etc/passwd ] || what=gid
        awk -F : -v what=$what 'NR == FNR { ours[$1]; next }
            { id = $3 + 0 }
            !(id in name) { name[id] = $1; next }
            $1 in ours { print $1 " has the " what " " $3 " of " name[id] " in the system"; next }
            name[id] in ours { print name[id] " has the " what " " $3 " of " $1 " in the system" }' \
            "/run/work/$database" "/$database" > /run/work/facts
        told "$database" "choose another; in a hook, \`useradd --non-unique\` can give two names to one"
    done
    for pair in shadow:passwd gshadow:group; do
        database=etc/${pair%:*} names=etc/${pair#*:}
        [ -e "/run/work/$database" ] || continue
        awk -F : -v names="/$names" 'NR == FNR { known[$1]; next } !($1 in known) { print $1 " is not in " names " of the system" }' \
            "/$names" "/run/work/$database" > /run/work/facts
        told "$database" "add it there, or leave it out"
    done
    users=etc/passwd groups_of=etc/group
    for database in etc/group etc/gshadow; do
        [ -e "/run/work/$database" ] || continue
        # Users may be elsewhere, too, such as in LDAP.
        ! grep -Eq '^passwd:.*(compat|extrausers|ldap|nis|sss|winbind)' /etc/nsswitch.conf 2> /dev/null || continue
        awk -F : -v first="$([ "$database" = etc/group ] && echo 4 || echo 3)" 'NR == FNR { known[$1]; next }
            { for (n = first; n <= 4; n++) for (m = split($n, each, ","); m; m--) if (!(each[m] in known))
                print $1 " has the member " each[m] ", and the system has no such user" }' \
            "/$users" "/run/work/$database" > /run/work/facts
        told "$database" "add the user, or leave it out of the line"
    done
    [ -e /run/work/etc/passwd ] || return 0
    awk -F : 'NR == FNR { known[$3 + 0]; next }
        !($4 + 0 in known) { print $1 " has the gid " $4 ", and the system has no such group" }' \
        "/$groups_of" /run/work/etc/passwd > /run/work/facts
    told etc/passwd "add the group, or choose one that there is"
}
