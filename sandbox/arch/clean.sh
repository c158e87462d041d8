# Sourced in the root of a system: what is in it besides ../clean.sh's.
. /run/step/clean.sh
# pacman notes when it installed what; the epoch is as good a moment.
sed -i "/^%INSTALLDATE%$/{n;s/.*/$SOURCE_DATE_EPOCH/}" var/lib/pacman/local/*/desc
rm -rf var/cache/pacman/pkg/* var/lib/pacman/sync/* etc/pacman.d/gnupg etc/ssh/ssh_host_* root/.gnupg
