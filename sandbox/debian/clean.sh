# Sourced in the root of a system: what is in it besides ../clean.sh's.
. /run/step/clean.sh
rm -rf var/cache/apt/*.bin var/lib/apt/lists/* var/lib/dpkg/*-old var/cache/debconf/*-old \
    initrd.img initrd.img.old vmlinuz vmlinuz.old
if ls etc/ssh/ssh_host_* > /dev/null 2>&1; then
    # Keys in an image would be the same on each machine that it starts.
    rm -f etc/ssh/ssh_host_*
    mkdir -p etc/systemd/system/ssh.service.d
    printf '[Service]\nExecStartPre=\nExecStartPre=/usr/bin/ssh-keygen -A\nExecStartPre=/usr/sbin/sshd -t\n' \
        > etc/systemd/system/ssh.service.d/host-keys.conf
fi
