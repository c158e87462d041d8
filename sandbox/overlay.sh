#!/bin/sh
# Runs in the system that is being built. Everything that it changes becomes the upper layer.
# Loops read from a descriptor of their own: the system's programs and hooks have /dev/null as their standard input.
# in: users, groups, tree.tar, permissions, commands, checks, services, hooks, hook/NUMBER
set -eu
. /run/step/problem.sh
. /run/step/present.sh

# known passwd|group NAME|NUMBER
known() {
    case $2 in
    *[!0-9]*) grep -q "^$2:" "/etc/$1" ;;
    esac
}

# Fields: name, uid, shell, groups, full name, password hash.
while IFS=: read -r name uid shell groups full_name password <&9; do
    if [ "$name" = root ]; then
        usermod --shell "$shell" --password "$password" root ||
            problem users root "usermod failed for root" "see the log for its message"
    else
        useradd --no-create-home --user-group ${uid:+--uid "$uid"} --shell "$shell" \
            --comment "$full_name" --password "$password" -- "$name" || {
            problem users "$name" "useradd failed for $name" "see the log for its message"
            continue
        }
    fi
    for group in $(echo "$groups" | tr , ' '); do
        known group "$group" ||
            problem users "$group" "$name: the system has no group $group" "add the package that creates it to packages"
    done
    [ "$problems" -ne 0 ] || [ -z "$groups" ] || usermod --append --groups "$groups" -- "$name" ||
        problem users "$name" "usermod failed for $name" "see the log for its message"
done 9< /run/in/users
stop_on_problems

# Users and groups in the overlay's own files are merged into those of packages, and override them. The files keep their
# modes, since those in a tree are always 0644, and shadow must not be readable. This comes first, since the owners of
# other files are looked up here.
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

owner_remedy="add it to users, or the package that creates it to packages"
while read -r database name <&9; do
    known "$database" "$name" || problem files "$name" "/etc/$database has no $name to own files" "$owner_remedy"
done 9< /run/in/groups
stop_on_problems

# Existing directories keep their modes, and links to directories (/lib) stay links.
printf '%s\n' $databases > /run/work/unpacked
tar -x -f /run/in/tree.tar -C / --anchored --exclude-from=/run/work/unpacked --no-overwrite-dir \
    --keep-directory-symlink --same-owner --same-permissions

while IFS=: read -r name uid shell groups full_name password <&9; do
    home=$(sed -n "s|^$name:[^:]*:[^:]*:[^:]*:[^:]*:\([^:]*\):.*|\1|p" /etc/passwd)
    [ "$name" != root ] || continue
    if [ ! -d "$home" ]; then
        mkdir -p "$home"
        chmod 0700 "$home"
    fi
    [ ! -d /etc/skel ] || cp -Rn /etc/skel/. "$home/"
    chown -Rh "$name:$name" "$home"
done 9< /run/in/users

while IFS=: read -r mode owner group path <&9; do
    if [ ! -e "$path" ] && [ ! -L "$path" ]; then
        problem permissions "$path" "the system has no file $path" "check the path, or leave it out"
        continue
    fi
    known passwd "$owner" || problem permissions "$owner" "$path: the system has no user $owner" "$owner_remedy"
    known group "$group" || problem permissions "$group" "$path: the system has no group $group" "$owner_remedy"
    [ "$problems" -eq 0 ] || continue
    chown -h -- "$owner:$group" "$path"
    [ -L "$path" ] || chmod -- "$mode" "$path"
done 9< /run/in/permissions
stop_on_problems

while read -r command <&9; do
    $command || problem locale "" "$command failed with exit status $?" "see the log for its message"
done 9< /run/in/commands
stop_on_problems

while read -r what names <&9; do
    "has_$what" $names
done 9< /run/in/checks
stop_on_problems

while read -r verb unit <&9; do
    if [ "$verb" = mask ] && ! is_unit "$unit"; then
        # systemctl also masks units that do not exist.
        problem services "$unit" "the system has no unit $unit to mask" "check its name, or leave it out"
    else
        SYSTEMD_OFFLINE=1 systemctl --quiet "$verb" "$unit" ||
            problem services "$unit" "systemctl $verb $unit failed" "check its name, or add the package that contains it to packages"
    fi
done 9< /run/in/services
stop_on_problems

# In place of the generators of initramfses: what a hook would make with them is not what the ISO boots. Scripts of
# packages that a hook installs call them, too, and need nothing from them.
mkdir -p /run/work/generators
for name in update-initramfs mkinitramfs dracut mkinitcpio; do
    printf '#!/bin/sh\ngrep -qsxE "dpkg|pacman" /proc/[0-9]*/comm || echo "${0##*/}" >> /run/work/called\n' \
        > /run/work/generators/"$name"
    chmod 0755 /run/work/generators/"$name"
done
export BASH_ENV=/run/step/hook-errors.bash DEBATE_HOOK
number=0
while read -r DEBATE_HOOK <&9; do
    number=$((number + 1))
    hook=/run/in/hook/$number
    echo "hook $DEBATE_HOOK"
    status=0
    case $(head -c 2 "$hook") in
    '#!') PATH=/run/work/generators:$PATH "$hook" 9<&- || status=$? ;;
    *) PATH=/run/work/generators:$PATH bash -eu "$hook" 9<&- || status=$? ;;
    esac
    : > /run/problems # Hooks must not report problems of the profile.
    [ "$status" -eq 0 ] ||
        problem hooks "$number" "$DEBATE_HOOK failed with exit status $status" "see the log for its message"
    [ ! -e /run/work/called ] ||
        problem hooks "$number" "$DEBATE_HOOK runs $(head -n 1 /run/work/called), and the initramfs is not made by hooks" \
            "remove that; say what the initramfs needs with \`initrd\`, or in files of its generator's configuration"
    stop_on_problems
done 9< /run/in/hooks

while IFS=: read -r name uid shell rest <&9; do
    [ -x "$shell" ] ||
        problem users "$shell" "$name: the system has no shell $shell" "add the package that contains it to packages"
done 9< /run/in/users
stop_on_problems

rm -f /etc/passwd- /etc/group- /etc/shadow- /etc/gshadow- /etc/subuid- /etc/subgid- \
    /var/cache/ldconfig/aux-cache
