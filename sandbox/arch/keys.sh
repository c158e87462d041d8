# Sourced for functions that make a keyring in $gnupg.
# in: keyring (if it is not the distribution's own)

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

# `fingerprints COMMAND …`: the fingerprints of the keys that a command of gpg lists.
fingerprints() {
    gpg --with-colons "$@" | awk -F: '$1 == "pub" { own = 1 } $1 == "fpr" && own { print $10; own = 0 }'
}

# `trust FILE`: trusts the keys in the file.
trust() {
    gpg --import "$1"
    fingerprints --show-keys "$1" | sign
}

# `new_keyring`: makes an empty keyring with a local key that can sign others.
new_keyring() {
    mkdir -p -m 0700 "$gnupg"
    : > "$gnupg/pubring.gpg" # pacman looks for this file.
    gpg --passphrase '' --quick-generate-key 'debate <debate@localhost>' ed25519 cert never
}

# `find_keys`: sets $keys to the directory of the distribution's keys, or ends the script. Debian's package has them elsewhere.
find_keys() {
    keys=/usr/share/pacman/keyrings
    [ -e "$keys/archlinux.gpg" ] || keys=/usr/share/keyrings
    [ -e "$keys/archlinux.gpg" ] || [ -e /run/in/keyring ] ||
        problem "" "" "there is no keyring of Arch Linux" "install archlinux-keyring, or set DEBATE_KEYRING_ARCH"
    stop_on_problems
}

# `trust_distribution`: trusts the keys of the distribution, which are in $keys, or those that the settings name instead.
# Revoked ones are removed. pacman-key disables them, but gpg verifies with a disabled key as with any other.
trust_distribution() {
    if [ -e /run/in/keyring ]; then
        trust /run/in/keyring
    else
        gpg --import "$keys/archlinux.gpg"
        revoked=$(fingerprints --list-keys | grep -xiF -f "$keys/archlinux-revoked") || [ "$?" -eq 1 ]
        [ ! "$revoked" ] || gpg --delete-keys $revoked
        gpg --import-ownertrust "$keys/archlinux-trusted"
        cut -d: -f1 "$keys/archlinux-trusted" | sign
    fi
}
