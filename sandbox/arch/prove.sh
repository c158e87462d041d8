#!/bin/sh
# Proves that the locked packages are signed: each by a key of its own archive, whatever other archives' keys there are.
# Keys and signatures are read apart: whatever takes over gpg decides nothing but its own archive or package.
# in: wanted (tab-separated: archive, name, version, architecture, path, size, SHA-256), packages/SHA256 and their .sig,
#     keyring (if it is not the distribution's own), keys/
#     for messages: remedy
# out: proven (the same lines as in wanted)
set -eu
. /run/step/apart.sh
. /run/step/arch/keys.sh
close_shared
find_keys
user=1000
cut -f 1 /run/in/wanted | sort -u > /run/work/archives
while read -r archive <&9; do
    user=$((user + 1)) gnupg=/run/work/keys-$archive
    install -d -m 0755 -o "$user" -g "$user" "$gnupg"
    apart "$user" sh /run/step/arch/keyring.sh "$archive" "$gnupg" "$keys" 9<&-
done 9< /run/work/archives >&2

mkdir /run/work/said
awk -F '\t' '{ print 2000 + NR % 60000, $1, $7 }' /run/in/wanted | xargs -n 3 -P "$(nproc)" sh -euc '
    . /run/step/apart.sh
    ulimit -f 2048 # 1 MiB: what gpg says has some hundred bytes.
    apart "$0" gpg --homedir "/run/work/keys-$1" --batch --no-auto-check-trustdb --lock-never --status-fd 1 --verify \
        "/run/in/packages/$2.sig" "/run/in/packages/$2" > "/run/work/said/$2" || echo failed >> "/run/work/said/$2"
'
. /run/step/arch/verdicts.sh
verdicts /run/in/wanted /run/work/said > /run/work/unproven
if [ -s /run/work/unproven ]; then
    tab=$(printf '\t')
    sort /run/work/unproven | head -n 5 > /run/work/first
    while IFS=$tab read -r name version reason; do
        problem "" "" "$name $version: $reason, so it is refused" "$(cat /run/in/remedy)"
    done < /run/work/first
    exit 1
fi
cp /run/in/wanted /run/out/proven
