#!/bin/sh
# Installs packages on those of the layers below. Runs inside that system, with its own pacman.
# in: as pacman.sh and install.sh
set -eu
mkdir -p /run/work
. /run/step/arch/pacman.sh
[ ! -s /run/in/explicit ] || keyring >&2
. /run/step/arch/install.sh
install_packages /
cd /
. /run/step/arch/clean.sh
touch /var/lib/pacman/local/ALPM_DB_VERSION # The layer has the list of packages, even if nothing was added.
