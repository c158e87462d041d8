#!/bin/sh
# Makes a keyring in the directory $2, which others can read, of the keys of the archive $1. $3: where the distribution's are.
set -eu
gnupg=$2 keys=$3
. /run/step/arch/keys.sh
new_keyring
if [ -e "/run/in/keys/$1" ]; then trust "/run/in/keys/$1"; else trust_distribution; fi
gpg --check-trustdb
gpgconf --homedir "$gnupg" --kill gpg-agent
chmod 0644 "$gnupg"/*.gpg
