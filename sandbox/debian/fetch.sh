#!/bin/sh
# Downloads packages; a file with another SHA-256 than the lock's is refused.
# in: wanted (URI SHA256 a line), apt.conf    out: one file for each, named by its SHA-256
set -eu
. /run/step/debian/apt.sh
cat /run/in/apt.conf >> "$apt/apt.conf"
while read -r uri sha256; do
    printf '%s\n/run/out/%s\nSHA256:%s\n' "$uri" "$sha256" "$sha256"
done < /run/in/wanted | xargs -n 150 /usr/lib/apt/apt-helper download-file
