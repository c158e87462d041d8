# Sourced in the root directory of a system: removes what ../clean.sh does, and files of apt and dpkg.
. /run/step/clean.sh
rm -rf var/cache/apt/*.bin var/lib/apt/lists/* var/lib/dpkg/*-old var/cache/debconf/*-old \
    initrd.img initrd.img.old vmlinuz vmlinuz.old
if ls etc/ssh/ssh_host_* > /dev/null 2>&1; then
    # All machines that boot the image would have the same keys.
    rm -f etc/ssh/ssh_host_*
    mkdir -p etc/systemd/system/ssh.service.d
    printf '[Service]\nExecStartPre=\nExecStartPre=/usr/bin/ssh-keygen -A\nExecStartPre=/usr/sbin/sshd -t\n' \
        > etc/systemd/system/ssh.service.d/host-keys.conf
fi
