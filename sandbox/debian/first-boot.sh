# Sourced in the root directory of a system: removes keys and names that scripts of packages made, since all machines
# that boot the image would have the same. Each machine makes its own when it boots, as those scripts do.

# own NAME UNITS MADE FILE …: removes the FILEs. If there were any, a unit runs the commands on standard input, one a
# line, before UNITS start, unless the file MADE exists; without MADE always. A file that is there, since the profile has
# it, is kept: where a unit makes several, each command looks for its own. systemd
# reads the commands, so $ is written $$ and % is written %%.
own() {
    name=$1 units=$2 made=$3
    shift 3
    commands=$(cat)
    found=
    for file; do
        [ ! -e "$file" ] || found=yes
        rm -rf "$file"
    done
    [ "$found" ] || return 0
    unit=first-boot-$name.service
    mkdir -p etc/systemd/system
    {
        printf '[Unit]\nDescription=What this machine alone has of %s\nDefaultDependencies=no\n' "$name"
        printf 'After=local-fs.target\nBefore=shutdown.target %s\nConflicts=shutdown.target\n' "$units"
        [ -z "$made" ] || printf 'ConditionPathExists=!%s\n' "$made"
        printf '\n[Service]\nType=oneshot\nRemainAfterExit=yes\n'
        printf '%s\n' "$commands" | sed 's/^/ExecStart=/'
    } > "etc/systemd/system/$unit"
    for before in $units; do
        mkdir -p "etc/systemd/system/$before.wants"
        ln -sf "../$unit" "etc/systemd/system/$before.wants/$unit"
    done
}

own openssh-server 'ssh.service ssh.socket' '' etc/ssh/ssh_host_* << 'END'
/usr/bin/ssh-keygen -A
END
own dropbear dropbear.service '' etc/dropbear/dropbear_*_host_key* << 'END'
/bin/sh -c 'for t in rsa ecdsa ed25519; do f=/etc/dropbear/dropbear_$${t}_host_key; [ -e $$f ] || /usr/bin/dropbearkey -t $$t -f $$f || exit; done'
END
# An initramfs is made before a machine boots, so it cannot have keys of one.
rm -f etc/dropbear/initramfs/dropbear_*_host_key* etc/dropbear-initramfs/dropbear_*_host_key*
# Many services use this certificate, and a link is named by its hash.
[ ! -d etc/ssl/certs ] || find etc/ssl/certs -lname ssl-cert-snakeoil.pem -delete
own ssl-cert basic.target /etc/ssl/private/ssl-cert-snakeoil.key \
    etc/ssl/private/ssl-cert-snakeoil.key etc/ssl/certs/ssl-cert-snakeoil.pem << 'END'
/bin/sh -c '[ -e /etc/ssl/certs/ssl-cert-snakeoil.pem ] || /usr/sbin/make-ssl-cert generate-default-snakeoil'
END
# dkms makes it when it builds a module.
rm -f var/lib/dkms/mok.key var/lib/dkms/mok.pub var/lib/shim-signed/mok/MOK.*
own munge munge.service /etc/munge/munge.key etc/munge/munge.key << 'END'
/bin/su munge -s /bin/sh -c 'mungekey -c'
END
own bind9 named.service /etc/bind/rndc.key etc/bind/rndc.key << 'END'
/usr/sbin/rndc-confgen -a
/bin/chown bind:bind /etc/bind/rndc.key
END
# nvme gen-hostnqn of bookworm is the same on all machines whose firmware does not tell them apart.
own nvme-cli basic.target /etc/nvme/hostnqn etc/nvme/hostnqn etc/nvme/hostid << 'END'
/bin/sh -c '[ -e /etc/nvme/hostid ] || cat /proc/sys/kernel/random/uuid > /etc/nvme/hostid'
/bin/sh -c 'echo "nqn.2014-08.org.nvmexpress:uuid:$$(cat /etc/nvme/hostid)" > /etc/nvme/hostnqn'
END
own open-iscsi 'iscsid.service iscsid.socket open-iscsi.service' /etc/iscsi/initiatorname.iscsi \
    etc/iscsi/initiatorname.iscsi << 'END'
/bin/sh -c 'umask 077; echo "InitiatorName=$$(iscsi-iname -p iqn.1993-08.org.debian:01)" > /etc/iscsi/initiatorname.iscsi'
END
own rabbitmq-server rabbitmq-server.service /var/lib/rabbitmq/.erlang.cookie var/lib/rabbitmq/.erlang.cookie << 'END'
/bin/sh -c 'umask 0277; openssl rand -base64 42 > /var/lib/rabbitmq/.erlang.cookie'
/bin/chown rabbitmq:rabbitmq /var/lib/rabbitmq/.erlang.cookie
END
# A cluster of PostgreSQL has an identifier. This waits for what a cluster is made with, and is waited for.
for cluster in etc/postgresql/*/*; do
    [ -d "$cluster" ] || continue
    at=${cluster#etc/postgresql/}
    server=postgresql@${at%/*}-${at#*/}.service
    given=/run/postgresql-${at%/*}-${at#*/}
    # Files that the profile has in the cluster's directory, with which no cluster is made, are put aside for that time.
    own "postgresql-${at%/*}-${at#*/}" "$server" "/var/lib/postgresql/$at/PG_VERSION" "$cluster" "var/lib/postgresql/$at" << END
/bin/sh -c 'rm -rf $given; if [ -e /$cluster ]; then mv /$cluster $given; fi'
/usr/bin/pg_createcluster ${at%/*} ${at#*/}
/bin/sh -c 'if [ -e $given ]; then cp -a $given/. /$cluster; rm -rf $given; fi'
END
    mkdir -p etc/systemd/system/postgresql.service.wants
    ln -sf /usr/lib/systemd/system/postgresql@.service "etc/systemd/system/postgresql.service.wants/$server"
done
