#!/bin/sh
# Downloads packages. Files whose SHA-256 differs from the lock's are refused.
# in: wanted (lines of URI SHA256), apt.conf    out: one file per package, named by its SHA-256
set -eu
. /run/step/debian/apt.sh
cat /run/in/apt.conf >> "$apt/apt.conf"
while read -r uri sha256; do
    printf '%s\n/run/out/%s\nSHA256:%s\n' "$uri" "$sha256" "$sha256"
done < /run/in/wanted | xargs -n 150 /usr/lib/apt/apt-helper download-file
