#!/bin/sh
# Installs packages on top of the layers below. Runs in that system, with its own pacman.
# in: those of pacman.sh and install.sh
set -eu
mkdir -p /run/work
. /run/step/arch/pacman.sh
[ ! -s /run/in/explicit ] || keyring >&2
. /run/step/arch/install.sh
install_packages /
cd /
. /run/step/arch/clean.sh
touch /var/lib/pacman/local/ALPM_DB_VERSION # So that the layer contains the package list even if nothing was added.
