#!/bin/sh
# Adds dependencies to a list of packages, only from the locked ones.
# in: those of pacman.sh; index (a pacman database), wanted    out: selected (lines of name and architecture)
set -eu
. /run/step/arch/pacman.sh
cp /run/in/index "$pacman/db/sync/debate.db"
# Nothing is installed here, so signatures need not be verified.
sed -i 's/^SigLevel = .*/SigLevel = Never/' "$pacman/pacman.conf"
xargs -a /run/in/wanted pacman --config "$pacman/pacman.conf" --noconfirm --color never \
    -Sp --print-format '%n %l' > /run/work/selected
# A package's file is NAME-VERSION-ARCHITECTURE.pkg.tar.zst.
sed 's/\.pkg\.tar[^ ]*$//; s/ .*-/ /' /run/work/selected | sort -u > /run/out/selected
