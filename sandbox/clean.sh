# Sourced in the root of a system: removes what differs from run to run, or belongs to one machine only, in any of them.
rm -rf var/cache/ldconfig/aux-cache etc/passwd- etc/group- etc/shadow- etc/gshadow- etc/subuid- etc/subgid- \
    var/lib/systemd/random-seed var/lib/dbus/machine-id
find var/log -type f -delete
[ ! -s etc/machine-id ] || : > etc/machine-id
