# Sourced for `hold_services ROOT` and `release_services ROOT`, between which scripts of packages start no services. A package can
# have a file of this name, or get one meanwhile: it stays.
policy=usr/sbin/policy-rc.d
held='#!/bin/sh
# No service starts while debate installs packages.
exit 101'

hold_services() {
    own=
    if [ -e "$1/$policy" ] || [ -L "$1/$policy" ]; then
        own=$1/$policy.own
        mv "$1/$policy" "$own"
    fi
    printf '%s\n' "$held" > "$1/$policy"
    chmod 0755 "$1/$policy"
}

release_services() {
    if [ ! -L "$1/$policy" ] && [ "$(cat "$1/$policy" 2> /dev/null)" = "$held" ]; then
        rm -f "$1/$policy"
    fi
    [ "$own" ] || return 0
    if [ -e "$1/$policy" ] || [ -L "$1/$policy" ]; then rm -f "$own"; else mv "$own" "$1/$policy"; fi
}
