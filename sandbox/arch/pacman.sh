# Sourced by the scripts that run pacman: its own database, cache and keyring, independent of those of the base.
# in: repositories (sections of pacman.conf), architecture, keyring (if it is not the distribution's own), keys/
. /run/step/problem.sh
pacman=/run/work/pacman gnupg=/run/work/pacman/gnupg
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

# `ask WORD …`: runs pacman without questions.
ask() {
    pacman --config "$pacman/pacman.conf" --noconfirm --noprogressbar --color never "$@"
}

# This does what pacman-key(8) does with --init, --add, --lsign-key and --populate: it makes a local key and signs the
# trusted keys with it. Debian's pacman-key cannot be used, since it needs all of makepkg.
gpg() {
    command gpg --homedir "$gnupg" --batch --yes --quiet "$@"
}

# `sign`: signs the keys whose fingerprints it reads from standard input.
sign() {
    while read -r fingerprint <&9; do
        gpg --pinentry-mode loopback --passphrase '' --quick-lsign-key "$fingerprint"
    done 9<&0 < /dev/null
}

# `trust FILE`: trusts the keys in the file.
trust() {
    gpg --import "$1"
    gpg --show-keys --with-colons "$1" |
        awk -F: '$1 == "pub" { own = 1 } $1 == "fpr" && own { print $10; own = 0 }' | sign
}

# `new_keyring`: makes an empty keyring with a local key that can sign others.
new_keyring() {
    mkdir -m 0700 "$gnupg"
    : > "$gnupg/pubring.gpg" # pacman looks for this file.
    gpg --passphrase '' --quick-generate-key 'debate <debate@localhost>' ed25519 cert never
}

# `trust_distribution`: trusts the keys of the distribution, or those that the settings name instead.
trust_distribution() {
    if [ -e /run/in/keyring ]; then
        trust /run/in/keyring
    else
        keys=/usr/share/pacman/keyrings
        [ -e "$keys/archlinux.gpg" ] || keys=/usr/share/keyrings # Debian's package has them there.
        if [ ! -e "$keys/archlinux.gpg" ]; then
            problem "" "" "there is no keyring of Arch Linux" "install archlinux-keyring, or set DEBATE_KEYRING_ARCH"
            stop_on_problems
        fi
        gpg --import "$keys/archlinux.gpg"
        gpg --import-ownertrust "$keys/archlinux-trusted"
        cut -d: -f1 "$keys/archlinux-trusted" | sign
        while read -r fingerprint <&9; do
            printf 'disable\nquit\n' | gpg --command-fd 0 --edit-key "$fingerprint"
        done 9< "$keys/archlinux-revoked"
    fi
}

# `keyring`: makes the keyring. Only commands that verify signatures need one.
keyring() {
    new_keyring
    trust_distribution
    for key in /run/in/keys/*; do
        [ ! -e "$key" ] || trust "$key"
    done
    gpg --check-trustdb
}
