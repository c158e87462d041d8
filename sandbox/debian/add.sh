#!/bin/sh
# Installs packages on top of the layers below. Runs in that system, with its own dpkg.
# in: pool/SHA256.deb, plan (see planned.sh), kernel, dpkg.cfg
set -eu
export INITRD=No
. /run/step/debian/services.sh
hold_services ''
cp /run/in/dpkg.cfg /etc/dpkg/dpkg.cfg.d/99debate
. /run/step/dkms.sh
. /run/step/debian/owners.sh
. /run/step/debian/failed.sh
unsigned_modules /

# Consecutive lines of the plan with the same verb become one call of dpkg. The plan has a descriptor of its own, since
# scripts of packages may read standard input to its end.
do=
set --
run() {
    case $do in
    Inst) dpkg --unpack "$@" || failed / ;;
    Conf) dpkg --configure "$@" || failed / ;;
    esac
}
while read -r verb name architecture sha256 <&9; do
    if [ "$verb" != "$do" ]; then
        run "$@" 9<&-
        do=$verb
        set --
    fi
    case $verb in
    Inst) set -- "$@" "/run/in/pool/$sha256.deb" ;;
    Conf) set -- "$@" "$name:$architecture" ;;
    esac
done 9< /run/in/plan
run "$@"
dpkg --configure --pending || failed /
require_modules / dpkg_owners

touch /var/lib/dpkg/status # So that the layer contains the package list even if nothing was added.
release_services ''
rm -f /etc/dpkg/dpkg.cfg.d/99debate
cd /
. /run/step/debian/clean.sh
