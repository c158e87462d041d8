#!/bin/sh
# Adds dependencies to a list of packages, only from the locked ones, and apart from that to the package of the kernel.
# in: repository/, release, wanted, kernel (a package)    out: selected, kernel (lines of SHA-256)
set -eu
. /run/step/debian/apt.sh
. /run/step/debian/planned.sh
echo "deb [trusted=yes] file:/run/in/repository $(cat /run/in/release) main" > "$apt/etc/sources.list"
apt-get update
# `with_dependencies NAME …`
with_dependencies() {
    apt-get -y --no-install-recommends -s install "$@" > /run/work/plan
    planned "/run/in/repository/dists/$(cat /run/in/release)/main/binary-all/Packages" < /run/work/plan |
        awk '$1 == "Inst" { print $4 }' | sort
}
with_dependencies $(cat /run/in/wanted) '?essential' > /run/out/selected
with_dependencies "$(cat /run/in/kernel)" > /run/out/kernel
