#!/bin/sh
# Runs in the system that is being built. Everything that it changes becomes the upper layer.
# Loops read from a descriptor of their own: the system's programs have /dev/null as their standard input.
# in: users, groups, tree.tar, wanted, permissions, commands, checks, services, triggers,
#     interpreters, unit-links, units, readers, leftovers, hooks, locales (a tar of those that were made before)
set -eu
. /run/step/problem.sh
. /run/step/present.sh
. /run/step/suggest.sh
. /run/step/up-to-date.sh
. /run/step/databases.sh
. /run/step/fits.sh
. /run/step/settings.sh
. /run/step/used.sh
. /run/step/triggers.sh

# known passwd|group NAME|NUMBER
known() {
    case $2 in
    *[!0-9]*) grep -q "^$2:" "/etc/$1" ;;
    esac
}

# free_id: prints the first number from 1000 on that neither the system has nor a user of the profile asks for.
free_id() {
    { cut -d : -f 3 /etc/passwd /etc/group; cut -d : -f 2 /run/in/users; } |
        awk '{ taken[$1] } END { for (n = 1000; n in taken; n++); print n }'
}

# Fields: name, uid, shell, groups, full name, password hash.
while IFS=: read -r name uid shell groups full_name password <&9; do
    if [ "$name" = root ]; then
        usermod --shell "$shell" --password "$password" ${full_name:+--comment "$full_name"} root ||
            problem users root "usermod failed for root" "see the log for its message"
        continue
    fi
    owner=${uid:+$(awk -F : -v uid="$uid" '$3 == uid { print $1 }' /etc/passwd)}
    if known passwd "$name"; then
        problem users "$name" "a package has made the user $name" "choose another name; a hook can change that user, with usermod"
    elif known group "$name"; then
        problem users "$name" "a package has made the group $name, so a user $name could not have one" "choose another name"
    elif [ -n "$owner" ]; then
        problem users "$name:$uid" "$name: the uid $uid is that of $owner in the system" "choose another, or leave it out"
    else
        useradd --no-create-home --user-group --uid "${uid:-$(free_id)}" --shell "$shell" \
            --comment "$full_name" --password "$password" -- "$name" ||
            problem users "$name" "useradd failed for $name" "see the log for its message"
    fi
done 9< /run/in/users
stop_on_problems

mkdir -p /run/work
# This comes first, since the owners of other files are looked up here.
merge_databases
compare_databases
stop_on_problems

# Now that the groups of the overlay's own files are there, too.
while IFS=: read -r name uid shell groups full_name password <&9; do
    missing=$problems
    for group in $(echo "$groups" | tr , ' '); do
        known group "$group" ||
            problem users "$group" "$name: the system has no group $group" "add the package that creates it to packages"
    done
    [ "$problems" -ne "$missing" ] || [ -z "$groups" ] || usermod --append --groups "$groups" -- "$name" ||
        problem users "$name" "usermod failed for $name" "see the log for its message"
done 9< /run/in/users

# belongs NAME|NUMBER|- U|G u|g FILE: true if that is its owner or group, or any would do.
belongs() {
    [ "$1" = - ] || [ "$1" = "$(stat -c "%$2" -- "$4")" ] || [ "$1" = "$(stat -c "%$3" -- "$4")" ]
}

# has_capabilities FILE: true if it has some. tar lists them; getcap(8) may not be there.
has_capabilities() {
    [ -f "$1" ] && tar -c --xattrs --xattrs-include=security.capability -C / "${1#/}" 2> /dev/null |
        tar -t -vv --xattrs --xattrs-include='*' 2> /dev/null | grep -q ' security\.capability$'
}

owner_remedy="add it to users, or the package that creates it to packages"
while read -r database name <&9; do
    known "$database" "$name" || problem files "$name" "/etc/$database has no $name to own files" "$owner_remedy"
done 9< /run/in/groups

missing=$problems # What is wrong with those does not keep the others from being told.
fits_tree
[ "$problems" -eq "$missing" ] || stop_on_problems

# Existing directories keep their modes, and links to directories (/lib) stay links.
printf '%s\n' $databases > /run/work/unpacked
tar -x -f /run/in/tree.tar -C / --anchored --exclude-from=/run/work/unpacked --no-overwrite-dir \
    --keep-directory-symlink --same-owner --same-permissions ||
    problem files "" "the files could not be unpacked" "see the log for the message of tar"
still_lead
[ "$problems" -eq "$missing" ] || stop_on_problems

# What a file of the profile can break: the program itself, the loader, a library.
for program in awk chmod find sed stat systemctl tar; do
    status=0
    "$program" --version > /dev/null 2>&1 || status=$?
    [ "$status" -ge 126 ] || continue
    while IFS=$(printf '\t') read -r path kind rest <&9; do
        case "$kind $path" in
        "file "*/bin/* | "file "*/sbin/* | "file "*/lib*.so* | "file "*/ld-*.so* | "link "*bin/* | "link "*bin | "link "*.so* | "link "*/lib*)
            problem files "$path" "$program does not start any more, with $path in the system" \
                "leave it out, or put it into a directory such as /usr/local/lib/debate and name that where it is needed"
            ;;
        esac
    done 9< /run/in/wanted
    [ "$problems" -ne 0 ] || problem files "" "$program does not start any more, with the profile's files in the system" "see the log"
    exit 1
done

# apply_permissions PATTERN OTHERS: sets modes and owners of the paths that match PATTERN and not OTHERS.
# Fields: mode, owner, group, path, with tabs between them, and - for an owner or group that stays. Of a colon at the end, `read` would make nothing.
apply_permissions() {
    while IFS=$(printf '\t') read -r mode owner group path <&9; do
        case $path in $2) continue ;; $1) ;; *) continue ;; esac
        if [ ! -e "$path" ] && [ ! -L "$path" ]; then
            problem permissions "$path" "the system has no file $path" "check the path, or leave it out"
            continue
        fi
        [ "$owner" = - ] || known passwd "$owner" || problem permissions "$owner" "$path: the system has no user $owner" "$owner_remedy"
        [ "$group" = - ] || known group "$group" || problem permissions "$group" "$path: the system has no group $group" "$owner_remedy"
        if [ -L "$path" ]; then
            problem permissions "$path" "$path is a link, which has no mode of its own" "name what it leads to: $(readlink -- "$path")"
        fi
        [ "$problems" -eq 0 ] || continue
        # Only where it changes something, since chown removes capabilities.
        if ! belongs "$owner" U u "$path" || ! belongs "$group" G g "$path"; then
            if has_capabilities "$path"; then
                problem permissions "$path" "$path has capabilities, which it would lose with its owner" \
                    "leave owner and group out, or set all of them in a hook: chown, chmod, setcap"
                continue
            fi
            [ "$owner" = - ] || chown -- "$owner" "$path"
            [ "$group" = - ] || chgrp -- "$group" "$path"
        fi
        chmod -- "$mode" "$path"
    done 9< /run/in/permissions
}

apply_permissions '/etc/skel/*' '' # Homes have the same.
missing=$problems

# What the profile itself puts into a home comes first, and keeps its owner and mode.
while IFS=: read -r name uid shell groups full_name password <&9; do
    home=$(sed -n "s|^$name:[^:]*:[^:]*:[^:]*:[^:]*:\([^:]*\):.*|\1|p" /etc/passwd)
    [ "$name" != root ] || continue
    if [ ! -d "$home" ]; then
        mkdir -p "$home" && chmod 0700 "$home" && chown "$name:$name" "$home" || {
            problem users "$name" "$name: the home $home could not be made" "see the log for the message"
            continue
        }
    fi
    : > /run/work/skel
    [ ! -d /etc/skel ] || (cd /etc/skel && find . -mindepth 1) > /run/work/skel
    while IFS= read -r file <&9; do
        [ ! -e "$home/$file" ] && [ ! -L "$home/$file" ] || continue
        if [ -d "/etc/skel/$file" ] && [ ! -L "/etc/skel/$file" ]; then
            mkdir "$home/$file"
        else
            cp -P "/etc/skel/$file" "$home/$file"
        fi
        chown -h "$name:$name" "$home/$file"
        [ -L "$home/$file" ] || chmod --reference="/etc/skel/$file" "$home/$file"
    done 9< /run/work/skel
done 9< /run/in/users
[ "$problems" -eq "$missing" ] || stop_on_problems

apply_permissions '*' '/etc/skel/*'

missing=$problems
[ ! -e /run/in/locales ] || tar -x -f /run/in/locales -C / --touch
while read -r command <&9; do
    $command || problem locale "" "$command failed with exit status $?" "see the log for its message"
done 9< /run/in/commands
run_triggers
[ "$problems" -eq "$missing" ] || stop_on_problems
while read -r what names <&9; do
    "has_$what" $names
done 9< /run/in/checks

while read -r verb unit <&9; do
    can_change "$verb" "$unit"
done 9< /run/in/services
[ -s /run/in/hooks ] || { # A hook may bring them.
    has_shells
    is_of_use
}
stop_on_problems

# reason: prints why systemctl failed. It goes on after errors, and names links and what it passes over besides.
reason() {
    awk '/^Failed to / && !/, ignoring/ { print; found = 1; exit }
        !/^(Created symlink|Removed|Unit .* is added as a dependency|Failed to .*, ignoring)/ && NF { last = $0 }
        END { if (!found) print last }' /run/work/said | sed 's/\.$//'
}

while read -r verb unit <&9; do
    SYSTEMD_OFFLINE=1 systemctl "$verb" "$unit" 2> /run/work/said ||
        problem services "$unit" "systemctl $verb $unit failed: $(reason)" "see the log for all that it says"
    cat /run/work/said >&2
done 9< /run/in/services
stop_on_problems
[ -s /run/in/hooks ] || bring_up_to_date # Hooks come last.
. /run/step/leftovers.sh
