#!/bin/sh
# Proves that the locked packages are signed: each by a key of its own archive, whatever other archives' keys there are.
# in: wanted (tab-separated: archive, name, version, architecture, path, size, SHA-256), packages/*.pkg.tar.* and their
#     .sig, those of pacman.sh
#     for messages: remedy
# out: proven (the same lines as in wanted)
set -eu
. /run/step/arch/pacman.sh
cut -f 1 /run/in/wanted | sort -u > /run/work/archives
while read -r archive; do
    gnupg=/run/work/keys-$archive
    new_keyring
    if [ -e "/run/in/keys/$archive" ]; then trust "/run/in/keys/$archive"; else trust_distribution; fi
    gpg --check-trustdb
done < /run/work/archives >&2

cat > /run/work/one <<'END'
archive=$1 name=$2 version=$3 file=${5##*/}
said=$(gpg --homedir "/run/work/keys-$archive" --batch --no-auto-check-trustdb --lock-never --status-fd 1 --verify \
    "/run/in/packages/$file.sig" "/run/in/packages/$file" 2>&1) || true
case $said in
*'[GNUPG:] BADSIG '*) reason="the package or its signature is altered" ;;
*'[GNUPG:] EXPKEYSIG '*) reason="the key that signed it has expired" ;;
*'[GNUPG:] REVKEYSIG '*) reason="the key that signed it is revoked" ;;
*'[GNUPG:] ERRSIG '* | *'[GNUPG:] EXPSIG '*) reason="it has no good signature of a key of the archive $archive" ;;
*'[GNUPG:] VALIDSIG '*'[GNUPG:] TRUST_FULLY '* | *'[GNUPG:] VALIDSIG '*'[GNUPG:] TRUST_ULTIMATE '*) exit ;;
*) reason="it has no good signature of a key of the archive $archive" ;;
esac
printf '%s\n' "$said" >&2
printf '%s\t%s\t%s\n' "$name" "$version" "$reason" >> /run/work/unproven
END
tr '\t\n' '\0\0' < /run/in/wanted | xargs -0 -n 7 -P "$(nproc)" sh /run/work/one
if [ -s /run/work/unproven ]; then
    tab=$(printf '\t')
    sort /run/work/unproven | head -n 5 | while IFS=$tab read -r name version reason; do
        problem "" "" "$name $version: $reason, so it is refused" "$(cat /run/in/remedy)"
    done
    exit 1
fi
cp /run/in/wanted /run/out/proven
