# Sourced for `install_packages ROOT`, which installs the packages in explicit and fails if a script or hook fails:
# pacman itself continues then, and exits with 0. The step proof has verified all signatures before, and says what is wrong.
# in: index (a pacman database), packages/SHA256 and their .sig, explicit, noextract, kernel
. /run/step/dkms.sh
. /run/step/arch/owners.sh

install_packages() {
    mkdir -p "$1/var/lib/pacman/sync"
    cp /run/in/index "$1/var/lib/pacman/sync/debate.db"
    sed "/^\[options\]/r /run/in/noextract
        s,^DBPath = .*,DBPath = $1/var/lib/pacman,
        s,^CacheDir = .*,CacheDir = /run/in/packages," "$pacman/pacman.conf" > "$pacman/root.conf"
    # Making an initramfs takes longer than everything else, and is a separate step.
    for hook in 60-mkinitcpio-remove 90-mkinitcpio-install 60-dracut-remove 90-dracut-install; do
        ln -s /dev/null "$pacman/hooks/$hook.hook"
    done
    unsigned_modules "$1"
    status=0
    if [ -s /run/in/explicit ]; then
        xargs -a /run/in/explicit pacman --config "$pacman/root.conf" --noconfirm --noprogressbar --color never \
            --root "$1" -S > /run/work/said 2>&1 || status=$?
        cat /run/work/said
        if grep -q 'command failed to execute correctly' /run/work/said; then
            problem packages "" "a script or a pacman hook of a package failed" "see the log for its message"
            stop_on_problems
        fi
    fi
    if [ "$status" -ne 0 ]; then
        # The database of a lock does not tell pacman of conflicts.
        sed -nE 's/^:: ([^ ]+) and ([^ ]+) are in conflict.*/\1 \2/p' /run/work/said > /run/work/conflicts
        while read -r one other <&9; do
            problem packages "${one%-*-*}" "$one and $other are in conflict" "leave one of them out"
        done 9< /run/work/conflicts
        stop_on_problems
        exit "$status"
    fi
    require_modules "$1" pacman_owners
}
