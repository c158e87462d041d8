# Sourced in the root of a system: removes what differs from run to run, or belongs to one machine only.
rm -rf var/cache/ldconfig/aux-cache var/cache/apt/*.bin var/lib/apt/lists/* \
    var/lib/dpkg/*-old var/cache/debconf/*-old etc/passwd- etc/group- etc/shadow- etc/gshadow- \
    etc/subuid- etc/subgid- \
    var/lib/systemd/random-seed var/lib/dbus/machine-id initrd.img initrd.img.old vmlinuz vmlinuz.old
find var/log -type f -delete
[ ! -s etc/machine-id ] || : > etc/machine-id
if ls etc/ssh/ssh_host_* > /dev/null 2>&1; then
    # Keys in an image would be the same on each machine that it starts.
    rm -f etc/ssh/ssh_host_*
    mkdir -p etc/systemd/system/ssh.service.d
    printf '[Service]\nExecStartPre=\nExecStartPre=/usr/bin/ssh-keygen -A\nExecStartPre=/usr/sbin/sshd -t\n' \
        > etc/systemd/system/ssh.service.d/host-keys.conf
fi
