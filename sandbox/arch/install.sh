# Sourced for `install_packages ROOT`, which installs the packages in explicit and fails if pacman tells of an error: when a
# script or a hook fails, pacman itself goes on, and exits with 0. The step proof has verified all signatures before, and says what is wrong.
# in: index (a pacman database), packages/SHA256 and their .sig, explicit, noextract, kernel
. /run/step/dkms.sh
. /run/step/arch/owners.sh
. /run/step/arch/failed.sh

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
    if [ -s /run/in/explicit ]; then
        # Colours tell what pacman says from what scripts print, which may begin with the same words.
        status=0
        xargs -a /run/in/explicit pacman --config "$pacman/root.conf" --noconfirm --noprogressbar --color always \
            --root "$1" -S > /run/work/said 2>&1 || status=$?
        sed 's/\x1b\[[0-9;]*m//g' /run/work/said
        explain_failed /run/work/said "${1%/}"
        stop_on_problems
        [ "$status" -eq 0 ] || exit "$status"
    fi
    require_modules "$1" pacman_owners
}
