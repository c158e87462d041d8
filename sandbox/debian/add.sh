#!/bin/sh
# Installs packages on those of the layers below. Runs inside that system, with its own dpkg.
# in: pool/*.deb, plan (of order.sh), dpkg.cfg
set -eu
export INITRD=No
printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d
chmod 0755 /usr/sbin/policy-rc.d
cp /run/in/dpkg.cfg /etc/dpkg/dpkg.cfg.d/99debate

# Neighbours in the plan with the same verb go to dpkg together.
do=
set --
run() {
    case $do in
    Inst) dpkg --unpack "$@" ;;
    Conf) dpkg --configure "$@" ;;
    esac
}
while read -r verb name; do
    if [ "$verb" != "$do" ]; then
        run "$@"
        do=$verb
        set --
    fi
    case $verb in
    Inst) set -- "$@" /run/in/pool/"$name"_*.deb ;;
    Conf) set -- "$@" "$name" ;;
    esac
done < /run/in/plan
run "$@"
dpkg --configure --pending

touch /var/lib/dpkg/status # The layer has the list of packages, even if nothing was added.
rm -f /usr/sbin/policy-rc.d /etc/dpkg/dpkg.cfg.d/99debate
cd /
. /run/step/debian/clean.sh
