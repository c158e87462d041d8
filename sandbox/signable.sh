#!/bin/sh
# Takes what own signatures go on out of the tools tree: the GRUB that a distribution signs, which reads /boot/grub/grub.cfg
# of the medium that it was started from, and shim without the certificate of its maker.
# in: signable (lines of an output and a path)
# out: the outputs
set -eu

while read -r output path; do
    case $path in
    */shim*) perl /run/step/shim.pl "$path" "/run/out/$output" ;;
    *) cp "$path" "/run/out/$output" ;;
    esac
done < /run/in/signable
