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

work=/run/work
# failed_at NUMBER STATUS: prints the line of a hook at which it failed, if what it said in $work/said tells that: what
# hook-errors.bash adds, or the message of a shell or Python.
failed_at() {
    line=$(sed -nE "s/^debate: hook .*: line ([0-9]{1,6}): exit status $2: .*/\1/p" "$work/said" | tail -n 1)
    [ "$line" ] || line=$(sed -nE "s/.*\/run\/in\/hook\/$1(\"?,|:) (line )?([0-9]{1,6})([^0-9].*)?\$/\3/p" "$work/said" | tail -n 1)
    echo "$line"
}

# wait_for PID: waits until what reads a hook's errors has ended, for two seconds at most: what the hook leaves running
# may hold it.
wait_for() {
    tries=0
    while [ "$tries" -lt 40 ] && kill -0 "$1" 2> /dev/null; do
        sleep 0.05
        tries=$((tries + 1))
    done
}

# why_failed: prints what to do about a hook that failed, by what it said last in $work/said.
why_failed() {
    tail -n 20 "$work/said" > "$work/last"
    if grep -qE '(Could not|Couldn.t|unable to) resolve|Temporary failure (in name resolution|resolving)|Network is unreachable|Name or service not known|failed retrieving file|Unable to locate package|target not found: ' "$work/last"; then
        echo "hooks have no network: name packages in packages, with the archive in repositories, and put other files into an overlay"
    elif grep -qE '(syntax error|Syntax error|SyntaxError|unexpected (end of file|EOF))' "$work/last"; then
        echo "correct its syntax: the log has the message"
    elif grep -qE 'System has not been booted with systemd|Failed to connect to (system |)(scope |)bus|Host is down' "$work/last"; then
        echo "no system runs here, so units can neither be started nor asked: name them in services, which starts them at boot"
    else
        lacking=$(sed -nE 's/^.*: (line [0-9]+: |[0-9]+: )?([^ :]+): (command )?not found$/\2/p' "$work/last" | tail -n 1)
        [ "$lacking" ] || lacking=$(sed -nE "s/^.*env: [‘'\"]?([^’'\" :]+)[’'\"]?: No such file or directory\$/\1/p" "$work/last" | tail -n 1)
        if [ "$lacking" ]; then
            echo "the system has no $lacking: add the package that contains it to packages"
        else
            echo "see the log for its message"
        fi
    fi
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
    : > "$work/said"
    mkfifo "$work/errors-$number"
    # It ends with the last process that has the hook's standard error, which may be one that the hook leaves running.
    tee "$work/said" < "$work/errors-$number" >&2 9<&- &
    reader=$!
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
        PATH=$work/generators:$PATH "$hook" 9<&- 2> "$work/errors-$number" || status=$?
        ;;
    *) PATH=$work/generators:$PATH bash -eu "$hook" 9<&- 2> "$work/errors-$number" || status=$? ;;
    esac
    wait_for "$reader"
    : > /run/problems # Hooks must not report problems of the profile.
    if [ "$status" -ne 0 ]; then
        line=$(failed_at "$number" "$status")
        problem hooks "$number${line:+:$line}" "$DEBATE_HOOK failed with exit status $status" "$(why_failed)"
    fi
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
