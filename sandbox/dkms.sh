# Sourced for kernel modules that packages have as source, and that DKMS builds when they are installed.
. /run/step/problem.sh

# `unsigned_modules ROOT`, before packages are installed: dkms would sign modules with a key that it makes itself. No
# machine knows that key, and no two builds would be the same.
unsigned_modules() {
    mkdir -p "$1/etc/dkms/framework.conf.d"
    echo 'sign_file=/run/no-sign-file' > "$1/etc/dkms/framework.conf.d/debate.conf"
}

# `require_modules ROOT OWNERS`, afterwards: ends with a problem if the kernel that boots lacks a module, since scripts
# of packages just pass over one that they cannot build. OWNERS lists the packages of files, as dpkg_owners does.
# in: kernel (its version)
require_modules() {
    root=$1 owners=$2 version=$(cat /run/in/kernel)
    mkdir -p /run/work
    for source in "$root"/usr/src/*/dkms.conf; do
        [ -f "$source" ] || continue
        source=${source#"$root"/}
        # dkms reads it as bash, too. Without AUTOINSTALL a package leaves it to people.
        wanted=$(in_root bash -c 'AUTOINSTALL= kernelver=$1; . "/$0" > /dev/null 2>&1; echo "$AUTOINSTALL"' "$source" "$version" ||
            echo unknown)
        [ ! "$wanted" ] || echo "$source"
    done | sort > /run/work/sources
    if [ -s /run/work/sources ]; then
        in_root dkms status -k "$version" |
            sed -n 's,^\([^/]*\)/\([^/\,]*\)\, .*: installed.*,usr/src/\1-\2/dkms.conf,p' | sort > /run/work/built
        comm -23 /run/work/sources /run/work/built > /run/work/unbuilt
        while read -r source <&9; do
            echo "$source" > /run/work/source
            package=$(cd "$root" && "$owners" /run/work/source | cut -f 2 | head -n 1)
            # It says why not.
            in_root dkms build "/${source%/dkms.conf}" -k "$version" || true
            module=${source#usr/src/} module=${module%/dkms.conf}
            problem packages "$package" "the module $module of $package was not built for the kernel $version" \
                "see the log for the reason; it may be made for other kernels"
        done 9< /run/work/unbuilt
        stop_on_problems
    fi
    rm -rf "$root"/var/lib/dkms/*/*/*/*/log # They have the time in them.
    rm -f "$root/etc/dkms/framework.conf.d/debate.conf"
    # With dkms they are its own.
    [ -e "$root/usr/sbin/dkms" ] ||
        rmdir --ignore-fail-on-non-empty "$root/etc/dkms/framework.conf.d" "$root/etc/dkms"
}

in_root() {
    if [ "$root" = / ]; then
        "$@" < /dev/null
    else
        TMPDIR=/tmp chroot "$root" "$@" < /dev/null
    fi
}
