# Sourced by the scripts that run pacman: a database, a cache and a keyring of its own, with nothing of the base's.
# in: repositories (sections of pacman.conf), architecture, keyring (if it is not the distribution's own), keys/
pacman=/run/work/pacman
mkdir -p "$pacman/db/sync" "$pacman/db/local" "$pacman/cache" "$pacman/hooks"
export LC_ALL=C

cat > "$pacman/pacman.conf" <<END
[options]
Architecture = $(cat /run/in/architecture)
DBPath = $pacman/db
CacheDir = $pacman/cache
HookDir = $pacman/hooks
GPGDir = $pacman/gnupg
LogFile = $pacman/log
SigLevel = Required DatabaseOptional
LocalFileSigLevel = Required
END
cat /run/in/repositories >> "$pacman/pacman.conf"

# `ask WORD …`: pacman that never asks back.
ask() {
    pacman --config "$pacman/pacman.conf" --noconfirm --noprogressbar --color never "$@"
}

# `trust FILE`: believe the keys in it, and no others.
trust() {
    pacman-key --gpgdir "$pacman/gnupg" --add "$1"
    gpg --show-keys --with-colons "$1" | awk -F: '$1 == "pub" { own = 1 } $1 == "fpr" && own { print $10; own = 0 }' |
        while read -r fingerprint; do
            pacman-key --gpgdir "$pacman/gnupg" --lsign-key "$fingerprint"
        done
}

# `keyring`: make the keyring. Only what asks for signatures needs one.
keyring() {
    pacman-key --gpgdir "$pacman/gnupg" --init
    if [ -e /run/in/keyring ]; then
        trust /run/in/keyring
    else
        pacman-key --gpgdir "$pacman/gnupg" --populate archlinux
    fi
    for key in /run/in/keys/*; do
        [ ! -e "$key" ] || trust "$key"
    done
} > "$pacman/keyring.log" 2>&1
