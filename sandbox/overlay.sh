#!/bin/sh
# Runs inside the system that is being built. Everything it changes becomes the upper layer.
# in: users, groups, tree.tar, permissions, commands, checks, services, hooks, hook/NUMBER
set -eu
. /run/step/present.sh

fail() {
    echo "debate: $*" >&2
    exit 1
}

# Fields: name, uid, shell, groups, full name, password hash.
while IFS=: read -r name uid shell groups full_name password; do
    if [ "$name" = root ]; then
        usermod --shell "$shell" --password "$password" root || fail "users: root could not be changed"
    else
        useradd --no-create-home --user-group ${uid:+--uid "$uid"} --shell "$shell" \
            --comment "$full_name" --password "$password" -- "$name" ||
            fail "users: $name could not be made"
    fi
    if [ -n "$groups" ]; then
        usermod --append --groups "$groups" -- "$name" ||
            fail "users: $name: a group of $groups is missing; does the package that makes it belong in packages?"
    fi
done < /run/in/users

# Users and groups of the overlay's own files come to those that packages made, and win over them. The mode stays: a tree
# knows none but 0644, and shadow is nobody's to read. Owners are looked up in these files, so they come first.
databases='etc/passwd etc/group etc/shadow etc/gshadow'
mkdir -p /run/work
for database in $databases; do
    tar -x -O -f /run/in/tree.tar "$database" > /run/work/new 2> /dev/null || continue
    awk -F : 'NR == FNR { line[$1] = $0; order[++count] = $1; next }
        $1 in line { $0 = line[$1]; delete line[$1] }
        { print }
        END { for (n = 1; n <= count; n++) if (order[n] in line) print line[order[n]] }' \
        /run/work/new "/$database" > /run/work/merged
    cat /run/work/merged > "/$database"
done

while read -r database name; do
    grep -q "^$name:" "/etc/$database" ||
        fail "no such owner in /etc/$database: $name; add it to users, or the package that makes it"
done < /run/in/groups

# Directories that are there keep their modes, and links to directories (/lib) stay links.
printf '%s\n' $databases > /run/work/unpacked
tar -x -f /run/in/tree.tar -C / --anchored --exclude-from=/run/work/unpacked --no-overwrite-dir \
    --keep-directory-symlink --same-owner --same-permissions

while IFS=: read -r name uid shell groups full_name password; do
    home=$(sed -n "s|^$name:[^:]*:[^:]*:[^:]*:[^:]*:\([^:]*\):.*|\1|p" /etc/passwd)
    [ "$name" != root ] || continue
    if [ ! -d "$home" ]; then
        mkdir -p "$home"
        chmod 0700 "$home"
    fi
    [ ! -d /etc/skel ] || cp -Rn /etc/skel/. "$home/"
    chown -Rh "$name:$name" "$home"
done < /run/in/users

while IFS=: read -r mode owner group path; do
    [ -e "$path" ] || [ -L "$path" ] || fail "permissions: $path: no such file in the system"
    chown -h -- "$owner:$group" "$path" ||
        fail "permissions: $path: no such owner or group: $owner:$group; add it to users, or the package that makes it"
    [ -L "$path" ] || chmod -- "$mode" "$path"
done < /run/in/permissions

while read -r command; do
    $command || fail "$command: failed with exit status $?"
done < /run/in/commands

while read -r what names; do
    "has_$what" $names
done < /run/in/checks

while read -r verb unit; do
    [ "$verb" != mask ] || has_unit "$unit"
    SYSTEMD_OFFLINE=1 systemctl --quiet "$verb" "$unit" ||
        fail "services: $verb $unit failed; is there such a unit in the system?"
done < /run/in/services

export BASH_ENV=/run/step/hook-errors.bash DEBATE_HOOK
number=0
while read -r DEBATE_HOOK; do
    number=$((number + 1))
    hook=/run/in/hook/$number
    echo "hook $DEBATE_HOOK"
    status=0
    case $(head -c 2 "$hook") in
    '#!') "$hook" < /dev/null || status=$? ;;
    *) bash -eu "$hook" < /dev/null || status=$? ;;
    esac
    [ "$status" -eq 0 ] || fail "hook $DEBATE_HOOK: failed with exit status $status"
done < /run/in/hooks

while IFS=: read -r name uid shell rest; do
    has_shell "$name" "$shell"
done < /run/in/users

rm -f /etc/passwd- /etc/group- /etc/shadow- /etc/gshadow- /etc/subuid- /etc/subgid- \
    /var/cache/ldconfig/aux-cache
