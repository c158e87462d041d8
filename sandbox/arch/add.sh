#!/bin/sh
# Installs packages on those of the layers below. Runs inside that system, with its own pacman.
# in: as pacman.sh; index (a pacman database), packages/*.pkg.tar.* and their .sig, explicit, noextract
set -eu
mkdir -p /run/work
. /run/step/arch/pacman.sh
keyring >&2
mkdir -p /var/lib/pacman/sync
cp /run/in/index /var/lib/pacman/sync/debate.db
sed "/^\[options\]/r /run/in/noextract
    s,^DBPath = .*,DBPath = /var/lib/pacman,
    s,^CacheDir = .*,CacheDir = /run/in/packages," "$pacman/pacman.conf" > "$pacman/root.conf"
. /run/step/arch/install.sh
install_packages
cd /
. /run/step/arch/clean.sh
touch /var/lib/pacman/local/ALPM_DB_VERSION # The layer has the list of packages, even if nothing was added.
