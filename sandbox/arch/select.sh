#!/bin/sh
# Adds dependencies to a list of packages, only from the locked ones, and apart from that to the package of the kernel.
# in: those of pacman.sh; index (a pacman database), wanted, kernel (a package)
# out: selected, kernel (lines of SHA-256)
set -eu
. /run/step/arch/pacman.sh
cp /run/in/index "$pacman/db/sync/debate.db"
# Nothing is installed here, so signatures need not be verified.
sed -i 's/^SigLevel = .*/SigLevel = Never/' "$pacman/pacman.conf"
# `with_dependencies NAME …`
with_dependencies() {
    pacman --config "$pacman/pacman.conf" --noconfirm --color never -Sp --print-format %l "$@" > /run/work/selected
    sed 's,.*/,,' /run/work/selected | sort -u # The SHA-256 is the name of the file.
}
with_dependencies $(cat /run/in/wanted) > /run/out/selected
with_dependencies "$(cat /run/in/kernel)" > /run/out/kernel
