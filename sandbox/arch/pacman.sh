# Sourced by the scripts that run pacman: its own database, cache and keyring, independent of those of the base.
# in: repositories (sections of pacman.conf), architecture, keyring (if it is not the distribution's own), keys/
. /run/step/problem.sh
. /run/step/arch/keys.sh
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

# `keyring`: makes the keyring. Only commands that verify signatures need one.
keyring() {
    find_keys
    new_keyring
    trust_distribution
    for key in /run/in/keys/*; do
        [ ! -e "$key" ] || trust "$key"
    done
    gpg --check-trustdb
}
