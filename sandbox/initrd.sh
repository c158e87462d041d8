# Sourced for `make_initrd ROOT`, which makes the initramfs with the tools in ROOT, where packages have their kernel as
# /boot/vmlinuz-VERSION or as /usr/lib/modules/VERSION/vmlinuz.
# in: kernel (its version), generator, compression (or empty), mkinitcpio.conf; of the profile, one a line: modules, files
#     (paths), firmware (patterns below /usr/lib/firmware), hooks (names); tree.tar (its hooks and other files that the
#     generator reads); modules.tar, those that DKMS built, if there are any
# left: kernel, initrd
. /run/step/problem.sh

make_initrd() {
    root=$1 version=$(cat /run/in/kernel) generator=$(cat /run/in/generator) compression=$(cat /run/in/compression)
    kernel=$root/usr/lib/modules/$version/vmlinuz
    [ -e "$kernel" ] || kernel=$root/boot/vmlinuz-$version
    [ -d "$root/usr/lib/modules/$version" ] ||
        problem kernel "" "the kernel $version has no modules" "add the package that has them to packages"
    stop_on_problems
    mount --rbind /dev "$root"/dev
    mount --rbind /proc "$root"/proc
    [ ! -e "$root"/usr/bin/systemd-hwdb ] || chroot "$root" systemd-hwdb --usr update
    defaults
    tar -x -f /run/in/tree.tar -C "$root" --no-same-owner --no-overwrite-dir --keep-directory-symlink
    [ ! -e /run/in/modules.tar ] ||
        tar -x -f /run/in/modules.tar -C "$root" --no-same-owner --no-overwrite-dir --keep-directory-symlink
    chroot "$root" depmod "$version"
    wanted
    {
        make_with_"$(echo "$generator" | tr - _)" 2>&1 || echo "$?" > /run/work/failed
    } | tee /run/work/said
    # mkinitcpio continues after a failed hook, and may exit with 0.
    if [ -e /run/work/failed ] || [ ! -s "$root"/boot/initrd ] || grep -q '^==> ERROR:' /run/work/said; then
        problem initrd "$generator" "$generator failed" "see the log for its message"
        stop_on_problems
    fi
    # mkinitramfs and dracut go on with another compression than a file of the profile says.
    instead=$(grep -E '(^W: |compression).*(using gzip|falling back)' /run/work/said | head -n 1 || true)
    [ ! "$instead" ] || problem initrd "" "it would be compressed in another way: $instead" \
        "write it as initrd.compression, which brings the program, or add that one to packages"
    stop_on_problems
    verify
    mv "$kernel" /run/work/kernel
    mv "$root"/boot/initrd /run/work/initrd
}

# How it is compressed if neither the field nor a file of the profile says so.
defaults() {
    [ ! "$compression" ] || return 0
    case $generator in
    initramfs-tools) printf 'COMPRESS=zstd\nCOMPRESSLEVEL=9\n' >> "$root"/etc/initramfs-tools/initramfs.conf ;;
    dracut) mkdir -p "$root"/etc/dracut.conf.d && echo 'compress="zstd"' > "$root"/etc/dracut.conf.d/00-debate.conf ;;
    esac
}

# The names in tree.tar as they are.
listed_tree() {
    tar -t --quoting-style=literal -f /run/in/tree.tar
}

# Finds what the profile names, and leaves the files of it, with the modules', in /run/work/files and /run/work/expected.
wanted() {
    : > /run/work/files
    : > /run/work/expected
    for name in $(cat /run/in/modules); do
        if chroot "$root" modprobe -q -S "$version" --show-depends "$name" > /run/work/depends; then
            sed -n 's/^insmod \([^ ]*\).*/\1/p' /run/work/depends >> /run/work/expected
        else
            problem initrd "$name" "the kernel $version has no module $name" \
                "check its name, or add the package that has it to packages"
        fi
    done
    while read -r path <&9; do
        if chroot "$root" test -f "$path"; then
            echo "$path" >> /run/work/files
        else
            problem initrd "$path" "the system has no file $path" \
                "check the path; what scripts of packages or hooks make is not there yet, so write it to files"
        fi
    done 9< /run/in/files
    mkdir -p "$root"/usr/lib/firmware
    while read -r pattern <&9; do
        found=$(cd "$root"/usr/lib/firmware && find $pattern $pattern.xz $pattern.zst \( -type f -o -type l \) 2> /dev/null || true)
        if [ "$found" ]; then
            printf '%s\n' "$found" | sed 's,^,/usr/lib/firmware/,' >> /run/work/files
        else
            problem initrd "$pattern" "no package has firmware $pattern" "add the package that has it to packages"
        fi
    done 9< /run/in/firmware
    stop_on_problems
    if [ "$generator" = dracut ]; then
        # It takes the configuration of programs along only for the machine that it runs on.
        listed_tree | sed -n '/\/$/d; /^etc\/dracut\.conf/d; s,^etc/,/&,p' >> /run/work/files
    fi
    sort -u -o /run/work/files /run/work/files
    cat /run/work/files >> /run/work/expected
}

make_with_initramfs_tools() {
    own=$root/etc/initramfs-tools
    cat /run/in/modules >> "$own"/modules
    if [ -s /run/work/files ]; then
        cp /run/work/files "$root"/run/files
        cat > "$own"/hooks/zz-debate << 'END'
#!/bin/sh
[ "${1-}" != prereqs ] || exit 0
. /usr/share/initramfs-tools/hook-functions
while IFS= read -r path <&9; do
    copy_exec "$path" "$path"
done 9< /run/files
END
        chmod 0755 "$own"/hooks/zz-debate
    fi
    chroot "$root" mkinitramfs ${compression:+-c "$compression"} -o /boot/initrd "$version"
}

make_with_dracut() {
    # dracut finds libraries that are loaded by name (libkmod, by systemd) through the linker's cache.
    chroot "$root" ldconfig
    module=$root/usr/lib/dracut/modules.d/91live-layers
    mkdir "$module"
    cp /run/step/layers/dracut-module.bash "$module"/module-setup.sh
    cp /run/step/layers/dracut-stack.sh "$module"/stack.sh
    set -- --force --no-hostonly --reproducible --kver "$version"
    set -- "$@" --add "dmsquash-live live-layers $(paste -s -d ' ' /run/in/hooks)"
    [ -e "$root"/etc/plymouth ] || set -- "$@" --omit plymouth
    [ ! "$compression" ] || set -- "$@" "--$compression"
    [ ! -s /run/in/modules ] || set -- "$@" --force-drivers "$(paste -s -d ' ' /run/in/modules)"
    # That list has spaces between its items, and dracut expands patterns in it. Names of firmware can have both.
    plain='^[A-Za-z0-9@%_+=:,.~/-]*$'
    set -- "$@" --install "$(grep -E "$plain" /run/work/files | paste -s -d ' ')"
    grep -vE "$plain" /run/work/files > /run/work/others || true
    while IFS= read -r path <&9; do
        set -- "$@" --include "$path" "$path"
    done 9< /run/work/others
    chroot "$root" dracut "$@" /boot/initrd
}

# Each line as one word of a shell.
quoted() {
    sed "s/'/'\\\\''/g; s/.*/'&'/"
}

make_with_mkinitcpio() {
    cp /run/step/layers/mkinitcpio-install.bash "$root"/usr/lib/initcpio/install/live_layers
    cp /run/step/layers/mkinitcpio-hook.sh "$root"/usr/lib/initcpio/hooks/live_layers
    {
        cat /run/in/mkinitcpio.conf
        listed_tree | grep -E '^etc/mkinitcpio\.conf(\.d/[^/]+\.conf)?$' | sort | sed 's,^,/,' | quoted | sed 's/^/. /'
        # The profile's own file may set these anew.
        cat /run/step/layers/mkinitcpio-hooks.bash
        echo 'HOOKS=(${HOOKS[*]} '"$(paste -s -d ' ' /run/in/hooks))"
        echo "MODULES+=($(paste -s -d ' ' /run/in/modules))"
        while IFS= read -r path <&9; do
            [ -x "$root$path" ] && list=BINARIES || list=FILES
            printf '%s+=(%s)\n' "$list" "$(printf '%s\n' "$path" | quoted)"
        done 9< /run/work/files
        [ ! "$compression" ] || printf 'COMPRESSION="%s"\nCOMPRESSION_OPTIONS=()\n' "$compression"
    } > "$root"/etc/debate-mkinitcpio.conf
    chroot "$root" mkinitcpio -k "$version" -c /etc/debate-mkinitcpio.conf -g /boot/initrd
}

# The list that the generator's own tool prints of the initramfs must have all that the profile names.
verify() {
    [ -s /run/work/expected ] || return 0
    case $generator in
    initramfs-tools) tool=lsinitramfs ;;
    dracut) tool=lsinitrd ;;
    mkinitcpio) tool=lsinitcpio ;;
    esac
    chroot "$root" "$tool" /boot/initrd > /run/work/shown
    # dracut's shows them as ls -l does, the others one a line.
    { cat /run/work/shown; sed -E 's/^([^ ]+ +){8}//; s/ -> .*//' /run/work/shown; } | plain > /run/work/listed
    plain < /run/work/expected | comm -23 - /run/work/listed > /run/work/lacking
    while IFS= read -r path <&9; do
        problem initrd "" "$generator left out $path" "see the log for its message"
    done 9< /run/work/lacking
    stop_on_problems
}

# Paths in one form: without /usr, and without the suffix of a compressed module or firmware, which may be unpacked.
plain() {
    sed -E 's,^(\./|/)*,,; s,^usr/,,; s,\.(xz|zst|gz)$,,' | sort -u
}
