#!/bin/sh
# Installs packages on those of the layers below. Runs inside that system, with its own dpkg.
# in: pool/*.deb, index (of all packages), packages (dpkg --set-selections), dpkg.cfg
set -eu
export INITRD=No
printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d
chmod 0755 /usr/sbin/policy-rc.d
cp /run/in/dpkg.cfg /etc/dpkg/dpkg.cfg.d/99debate
dpkg --clear-avail
dpkg --update-avail /run/in/index
dpkg --set-selections < /run/in/packages
# What other packages need before they can be unpacked comes first; see dpkg(1).
while before=$(dpkg --predep-package); do
    dpkg --install "/run/in/$(printf '%s\n' "$before" | sed -n 's/^Filename: //p')"
done
if [ -d /run/in/pool ]; then
    dpkg --unpack --skip-same-version --recursive /run/in/pool
fi
dpkg --configure --pending
dpkg --clear-avail
rm -f /usr/sbin/policy-rc.d /etc/dpkg/dpkg.cfg.d/99debate
cd /
. /run/step/debian/clean.sh
