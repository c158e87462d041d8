#!/bin/sh
# Runs the attacks beside it, or the one that is named, and says of each whether it was held off, got through, or does
# not work at all. An attack exits with 0 when everything it tried was refused, and with 1 when something was not.
printf 'input %s\n' "$(stat -L -c %t:%T /proc/self/fd/0)"
# A copy, for an attack may take away what it is run from.
here=$(mktemp -d)
cp "$(dirname "$0")"/* "$here"
set -a
. "$here/facts"
ATTACKS=$here
set +a
for program in "$here"/${1:-*-*}.sh "$here"/${1:-*-*}.pl; do
    [ -e "$program" ] || continue
    case $program in
    *.pl) shell=perl ;;
    *) shell=sh ;;
    esac
    TMP=$(mktemp -d)
    export TMP
    said=$(cd "$TMP" && timeout -s KILL 60 "$shell" "$program" 2>&1 < /dev/null)
    case $? in
    0) word=held ;;
    1) word=through ;;
    *) word=broken ;;
    esac
    name=${program##*/}
    printf 'attack %s: %s: %s\n' "${name%.*}" "$word" "$(printf %s "$said" | tr '\n' ';')"
    rm -rf "$TMP"
done
