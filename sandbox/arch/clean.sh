# Sourced in the root directory of a system: removes what ../clean.sh does, and files of pacman.
. /run/step/clean.sh
# pacman records installation times; replace them by the epoch.
sed -i "/^%INSTALLDATE%$/{n;s/.*/$SOURCE_DATE_EPOCH/}" var/lib/pacman/local/*/desc
rm -rf var/cache/pacman/pkg/* var/lib/pacman/sync/* etc/pacman.d/gnupg etc/ssh/ssh_host_* root/.gnupg
