#!/bin/sh
# Adds dependencies to a list of packages, only from the locked ones, and apart from that to the package of the kernel.
# in: repository/, release, wanted, kernel (a package)    out: selected, kernel (lines of name and architecture)
set -eu
. /run/step/debian/apt.sh
echo "deb [trusted=yes] file:/run/in/repository $(cat /run/in/release) main" > "$apt/etc/sources.list"
apt-get update
# `with_dependencies NAME …`
with_dependencies() {
    apt-get -y --no-install-recommends -s install "$@" > /run/work/plan
    sed -n 's/^Inst \([^ :]*\)[ :].*\[\([^] ]*\)\]).*/\1 \2/p' /run/work/plan | sort
}
with_dependencies $(cat /run/in/wanted) '?essential' > /run/out/selected
with_dependencies "$(cat /run/in/kernel)" > /run/out/kernel
