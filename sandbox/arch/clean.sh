# Sourced in the root of a system: removes what differs from run to run, or belongs to one machine only.
# pacman notes when it installed what; the epoch is as good a moment.
sed -i "/^%INSTALLDATE%$/{n;s/.*/$SOURCE_DATE_EPOCH/}" var/lib/pacman/local/*/desc
rm -rf var/cache/ldconfig/aux-cache var/cache/pacman/pkg/* var/lib/pacman/sync/* etc/pacman.d/gnupg \
    etc/passwd- etc/group- etc/shadow- etc/gshadow- etc/subuid- etc/subgid- \
    var/lib/systemd/random-seed var/lib/dbus/machine-id etc/ssh/ssh_host_* root/.gnupg
find var/log -type f -delete
[ ! -s etc/machine-id ] || : > etc/machine-id
