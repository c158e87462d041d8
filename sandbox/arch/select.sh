#!/bin/sh
# Adds dependencies to a list of packages, out of the locked ones alone.
# in: as pacman.sh; index (a pacman database), wanted    out: selected (a name a line)
set -eu
. /run/step/arch/pacman.sh
cp /run/in/index "$pacman/db/sync/debate.db"
# Nothing is installed here, so nothing has to be signed.
sed -i 's/^SigLevel = .*/SigLevel = Never/' "$pacman/pacman.conf"
xargs -a /run/in/wanted pacman --config "$pacman/pacman.conf" --noconfirm --color never \
    -Sp --print-format %n > /run/work/selected
sort -u /run/work/selected > /run/out/selected
