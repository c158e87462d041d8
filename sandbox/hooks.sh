#!/bin/sh
# Runs the profile's hooks in the system that is being built, after what the profile says was found to be in it.
# in: users, wanted, interpreters, unit-links, units, readers, leftovers, hooks, hook/NUMBER
set -eu
. /run/step/problem.sh
. /run/step/present.sh
. /run/step/suggest.sh
. /run/step/settings.sh
. /run/step/used.sh
. /run/step/up-to-date.sh

# interpreter FILE: prints the program that its first line names.
interpreter() {
    set -- $(head -n 1 "$1" | cut -c 3-)
    case ${1-} in
    */env)
        shift
        while case ${1-} in -* | *=*) true ;; *) false ;; esac do shift; done
        ;;
    esac
    echo "${1-}"
}

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
    touch /run/work/before
    sleep 0.02 # Files that are made in the same moment would not be newer.
    case $(head -c 2 "$hook") in
    '#!')
        program=$(interpreter "$hook")
        head -n 1 "$hook" | grep -Eq '^#![[:space:]]*/' ||
            problem hooks "$number" "$DEBATE_HOOK: its first line names no program by its whole path" \
                "write #!/usr/bin/env ${program:-PROGRAM}"
        [ "$problems" -gt 0 ] || command -v "$program" > /dev/null ||
            problem hooks "$number" "$DEBATE_HOOK: the system has no $program to run it" "add the package that contains it to packages"
        stop_on_problems
        PATH=/run/work/generators:$PATH "$hook" 9<&- || status=$?
        ;;
    *) PATH=/run/work/generators:$PATH bash -eu "$hook" 9<&- || status=$? ;;
    esac
    : > /run/problems # Hooks must not report problems of the profile.
    [ "$status" -eq 0 ] ||
        problem hooks "$number" "$DEBATE_HOOK failed with exit status $status" "see the log for its message"
    [ ! -e /run/work/called ] ||
        problem hooks "$number" "$DEBATE_HOOK runs $(head -n 1 /run/work/called), and the initramfs is not made by hooks" \
            "remove that; say what the initramfs needs with \`initrd\`, or in files of its generator's configuration"
    stop_on_problems
    note_left "$number" "$DEBATE_HOOK"
done 9< /run/in/hooks

has_shells
is_of_use
stop_on_problems
bring_up_to_date
. /run/step/leftovers.sh
