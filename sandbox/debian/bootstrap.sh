# Sourced by rootfs.sh and initrd.sh: `bootstrap DIRECTORY [mmdebstrap options]` installs the locked
# packages from the local repository, and no others. Package hooks make no initramfs (INITRD=No).
export INITRD=No TMPDIR=/run/work
bootstrap() {
    directory=$1
    shift
    release=$(cat /run/in/release)
    mmdebstrap --mode=root --variant=essential --format=directory \
        --architectures="$(cat /run/in/architecture)" --include="$(cat /run/in/packages)" \
        --aptopt='APT::Install-Recommends "false"' \
        --hook-dir=/usr/share/mmdebstrap/hooks/file-mirror-automount "$@" \
        "$release" "$directory" "deb [trusted=yes] file:/run/in/repository $release main"
}
