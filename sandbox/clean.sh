# Sourced in the root directory of a system: removes files that differ between runs, or belong to a single machine.
rm -rf var/cache/ldconfig/aux-cache etc/passwd- etc/group- etc/shadow- etc/gshadow- etc/subuid- etc/subgid- \
    var/lib/systemd/random-seed var/lib/dbus/machine-id
find var/log -type f -delete
[ ! -s etc/machine-id ] || : > etc/machine-id
