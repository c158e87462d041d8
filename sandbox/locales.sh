#!/bin/sh
# Prints a tar of what locale-gen makes in the system.
# in: tree.tar (/etc/locale.gen)    standard output: the tar
set -eu
. /run/step/problem.sh
work=/run/work
mkdir -p "$work"
tar -x -f /run/in/tree.tar -C /
locale-gen >&2 || problem locale "" "locale-gen failed with exit status $?" "see the log for its message"
stop_on_problems
# What is below was there before this script.
find /usr/lib/locale ! -type d -newercc /run/step/locales.sh -print0 > "$work/made"
tar -c --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner -C / --transform='s,^/,,' -P --null -T "$work/made"
