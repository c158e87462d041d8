#!/bin/sh
# Signs programs of UEFI, for machines that have the certificate of the key. A signature says when it was made: here always
# at SOURCE_DATE_EPOCH, so the same key gives the same bytes.
# in: certificate (PEM), unsigned/    out: the files of unsigned/, signed
# secret: key (PEM)
set -eu
. /run/step/problem.sh
when=$(date -u -d "@$SOURCE_DATE_EPOCH" '+%Y-%m-%d %H:%M:%S')
for file in /run/in/unsigned/*; do
    name=${file##*/}
    if ! TZ=UTC faketime -f "$when" sbsign --key /run/secret/key --cert /run/in/certificate --output "/run/out/$name" "$file"; then
        problem "" "setting secure_boot_key" "sbsign cannot sign with it" "name the RSA key of the certificate (secure_boot_certificate)"
        exit 1
    fi
    if ! sbverify --cert /run/in/certificate "/run/out/$name"; then
        problem "" "setting secure_boot_key" "it is not the key of the certificate" "name the key of secure_boot_certificate"
        exit 1
    fi
done
