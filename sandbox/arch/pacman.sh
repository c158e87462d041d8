# Sourced by the scripts that run pacman: a database, a cache and a keyring of its own, with nothing of the base's.
# in: repositories (sections of pacman.conf), architecture, keyring (if it is not the distribution's own), keys/
. /run/step/problem.sh
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

# What pacman-key(8) does by --init, --add, --lsign-key and --populate: a key of this machine's own, which signs those
# that are trusted. pacman-key itself needs the whole of makepkg where Debian ships it.
gpg() {
    command gpg --homedir "$pacman/gnupg" --batch --yes --quiet "$@"
}

# `sign`: sign the keys whose fingerprints come in.
sign() {
    while read -r fingerprint; do
        gpg --pinentry-mode loopback --passphrase '' --quick-lsign-key "$fingerprint"
    done
}

# `trust FILE`: believe the keys in it.
trust() {
    gpg --import "$1"
    gpg --show-keys --with-colons "$1" |
        awk -F: '$1 == "pub" { own = 1 } $1 == "fpr" && own { print $10; own = 0 }' | sign
}

# `keyring`: make the keyring. Only what asks for signatures needs one.
keyring() {
    mkdir -m 0700 "$pacman/gnupg"
    : > "$pacman/gnupg/pubring.gpg" # pacman looks for this file.
    gpg --passphrase '' --quick-generate-key 'debate <debate@localhost>' ed25519 cert never
    if [ -e /run/in/keyring ]; then
        trust /run/in/keyring
    else
        keys=/usr/share/pacman/keyrings
        [ -e "$keys/archlinux.gpg" ] || keys=/usr/share/keyrings # Debian's package has them there.
        if [ ! -e "$keys/archlinux.gpg" ]; then
            problem "" "" "no keyring of Arch Linux" "install archlinux-keyring, or set DEBATE_KEYRING_ARCH"
            stop_on_problems
        fi
        gpg --import "$keys/archlinux.gpg"
        gpg --import-ownertrust "$keys/archlinux-trusted"
        cut -d: -f1 "$keys/archlinux-trusted" | sign
        while read -r fingerprint; do
            printf 'disable\nquit\n' | gpg --command-fd 0 --edit-key "$fingerprint"
        done < "$keys/archlinux-revoked"
    fi
    for key in /run/in/keys/*; do
        [ ! -e "$key" ] || trust "$key"
    done
    gpg --check-trustdb
}
