# Sourced for `make_initrd ROOT`, which makes the initramfs with the tools in ROOT, where packages have their kernel as
# /boot/vmlinuz-VERSION or as /usr/lib/modules/VERSION/vmlinuz.
# in: kernel (its version), generator, compression (or empty), mkinitcpio.conf, network (if it is to fetch the system over
#     one, and would not otherwise); of the profile, one a line: modules, files
#     (paths), firmware (patterns below /usr/lib/firmware), hooks (names); tree.tar (its hooks and other files that the
#     generator reads); modules.tar, those that DKMS built, if there are any
# left: kernel, initrd, warnings (a line for each)
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
    keymap=$(listed_tree | grep -x etc/default/keyboard || true)
    defaults
    tar -x -f /run/in/tree.tar -C "$root" --no-same-owner --no-overwrite-dir --keep-directory-symlink
    [ ! -e /run/in/modules.tar ] ||
        tar -x -f /run/in/modules.tar -C "$root" --no-same-owner --no-overwrite-dir --keep-directory-symlink
    chroot "$root" depmod "$version"
    own_hooks
    unhooked
    readable
    keyboard
    # For libraries in directories of their own, and for dracut, which finds by it those that are loaded by name.
    chroot "$root" ldconfig
    wanted
    firmware
    # Not part of a condition, in which a shell goes on after a command that fails. What mkinitramfs -v says of each file
    # is left out.
    {
        make_with_"$(echo "$generator" | tr - _)"
        : > /run/work/made
    } 2>&1 | tee /run/work/said | sed -E '/^(Adding|Copying|\(excluding|dracut-install: (cp|mkdir|ln|Missing|Failed to find module)) /d'
    heard
    # mkinitcpio continues after a failed hook, and may exit with 0.
    if [ ! -e /run/work/made ] || [ ! -s "$root"/boot/initrd ] || grep -q '^==> ERROR:' /run/work/said; then
        problem initrd "$generator" "$generator failed" "see the log for its message"
    fi
    stop_on_problems
    verify
    mv "$kernel" /run/work/kernel
    mv "$root"/boot/initrd /run/work/initrd
}

# How it is compressed if neither the field nor a file of the profile says so.
defaults() {
    if [ "$generator" = initramfs-tools ] && [ -e "$root"/bin/setupcon ] && [ "$keymap" ]; then
        echo KEYMAP=y >> "$root"/etc/initramfs-tools/initramfs.conf
    fi
    [ ! "$compression" ] || return 0
    case $generator in
    initramfs-tools) printf 'COMPRESS=zstd\nCOMPRESSLEVEL=9\n' >> "$root"/etc/initramfs-tools/initramfs.conf ;;
    dracut) mkdir -p "$root"/etc/dracut.conf.d && echo 'compress="zstd"' > "$root"/etc/dracut.conf.d/00-debate.conf ;;
    esac
}

# What is beside scripts and is none, as a command of sed.
for_people='/(^|\/)(README[^/]*|\.gitkeep|\.gitignore)$/d'

# The names in tree.tar as they are.
listed_tree() {
    tar -t --quoting-style=literal -f /run/in/tree.tar
}

# Leaves the hooks of the profile, by its fields and its files, in /run/work/own: lines of NAME and PATH.
own_hooks() {
    case $generator in
    initramfs-tools) where='(etc|usr/share)/initramfs-tools/hooks/([^/]+)' ;;
    dracut) where='(usr/lib)/dracut/modules\.d/[0-9][0-9]([^/]+)/module-setup\.sh' ;;
    mkinitcpio) where='(etc|usr/lib)/initcpio/install/([^/]+)' ;;
    esac
    listed_tree | sed -nE "$for_people; s,^$where\$,\\2 &,p" > /run/work/own
}

# complain PATH FACT REMEDY: a problem of a hook or another file of the profile. PATH has no leading slash.
complain() {
    name=$(awk -v path="$1" '{ name = $1; sub(/^[^ ]* /, "") } $0 == path { print name }' /run/work/own)
    if [ "$name" ] && grep -qxFe "$name" /run/in/hooks; then
        problem initrd.hooks "$name" "$2" "$3"
    else
        problem files "/$1" "/$1: $2" "$3"
    fi
}

# tell LINE: a line for people.
tell() {
    printf '%s\n' "$1" | LC_ALL=C tr -c ' -~\n' '?' | cut -c 1-400 >> /run/work/told
}

# Files of the profile that a hook reads which no package has: then they have no effect in the initramfs. What is for nothing
# else is refused; what the system has a use for, too, is told.
unhooked() {
    [ "$generator" = initramfs-tools ] || return 0
    listed_tree | sed '/\/$/d' > /run/work/listed-tree
    while read -r where hook package how <&9; do
        [ ! -e "$root/etc/initramfs-tools/hooks/$hook" ] && [ ! -e "$root/usr/share/initramfs-tools/hooks/$hook" ] || continue
        path=$(grep -m 1 -E "^$where" /run/work/listed-tree || true)
        [ "$path" ] || continue
        if [ "$path" = etc/crypttab ]; then
            awk '!/^[ \t]*#/ && $4 ~ /(^|,)initramfs(,|$)/ { found = 1 } END { exit !found }' "$root/$path" || continue
        fi
        if [ "$how" = refused ]; then
            complain "$path" "the initramfs has nothing that reads it" "add $package to packages"
        else
            tell "/$path: not for the initramfs, without the package $package"
        fi
    done 9<< 'END'
etc/crypttab$ cryptroot cryptsetup-initramfs refused
etc/cryptsetup-initramfs/ cryptroot cryptsetup-initramfs refused
etc/dropbear/initramfs/ dropbear dropbear-initramfs refused
etc/mdadm/ mdadm mdadm told
etc/iscsi/ iscsi open-iscsi told
etc/multipath(\.conf$|/) multipath multipath-tools-boot told
etc/zfs/ zfs zfs-initramfs told
etc/lvm/ lvm2 lvm2 told
(etc|usr/share)/plymouth/ plymouth plymouth told
END
}

# Scripts of the profile that the generator, or what reads its configuration, could not parse. mkinitramfs asks sh of each
# script, whatever its first line says, and passes over it in silence.
readable() {
    language=sh
    case $generator in
    initramfs-tools) where='^(etc|usr/share)/initramfs-tools/(hooks/[^/]+|scripts/([^/]+/)?[^/]+|conf\.d/[^/]+|initramfs\.conf)$' ;;
    dracut) language=bash where='^etc/dracut\.conf(\.d/[^/]+\.conf)?$|^usr/lib/dracut/modules\.d/[^/]+/module-setup\.sh$' ;;
    mkinitcpio) language=bash where='^etc/mkinitcpio\.conf(\.d/[^/]+\.conf)?$|^(etc|usr/lib)/initcpio/install/[^/]+$' ;;
    esac
    listed_tree | sed -E "$for_people" | grep -E "$where" > /run/work/scripts || true
    while IFS= read -r path <&9; do
        chroot "$root" test -f "/$path" || continue
        chroot "$root" "$language" -n "/$path" > /run/work/error 2>&1 ||
            complain "$path" "$language cannot read it, so $generator passes over it: $(head -n 1 /run/work/error)" \
                "write it in the language of $language, or have it call a program that is not"
    done 9< /run/work/scripts
}

# What was said while it was made: refuses what leaves out something of the profile's, and leaves the rest in
# /run/work/warnings. Each hook of the profile must have run.
heard() {
    LC_ALL=C awk -v own=/run/work/own -v keymap="$keymap" -f /run/step/said.awk /run/work/said > /run/work/heard
    while read -r how name line <&9; do
        path=$(awk -v name="$name" '$1 == name { sub(/^[^ ]* /, ""); print; exit }' /run/work/own)
        if [ "$how" = told ]; then
            printf '%s: %s\n' "$name" "$line" | LC_ALL=C cut -c 1-400 >> /run/work/told
        elif [ "$path" ]; then
            complain "$path" "it fails: $line" "correct it; send to /dev/null what is no error"
        elif [ "${line##*compress*}" ] && [ "${line##*using gzip*}" ]; then
            problem initrd "" "$generator leaves something out: $line" \
                "add the package that has it to packages, or correct the file that asks for it"
        else
            problem initrd "" "it would be compressed in another way: $line" \
                "write it as initrd.compression, which brings the program, or add that one to packages"
        fi
    done 9< /run/work/heard
    touch /run/work/told
    sort -u /run/work/told | head -n 50 > /run/work/warnings
    [ -e /run/work/made ] || return 0
    sed -nE 's/^Calling hook (.*)/\1/p; s/.*\*\*\* Including module: (.*) \*\*\*.*/\1/p; s/.*Running build hook: \[(.*)\].*/\1/p' \
        /run/work/said > /run/work/ran
    while read -r name path <&9; do
        # Those of files of dracut and mkinitcpio run only where something asks for them.
        [ "$generator" = initramfs-tools ] || grep -qxFe "$name" /run/in/hooks || continue
        grep -qxFe "$name" /run/work/ran || complain "$path" "$generator did not run it" "see the log for its message"
    done 9< /run/work/own
}

# Finds what the profile names, and leaves the files of it, with the modules', in /run/work/files and /run/work/expected.
wanted() {
    : > /run/work/files
    : > /run/work/expected
    for name in $(cat /run/in/modules); do
        if chroot "$root" modprobe -q -i -S "$version" --show-depends "$name" > /run/work/depends; then
            sed -n 's/^insmod \([^ ]*\).*/\1/p' /run/work/depends >> /run/work/expected
        else
            problem initrd "$name" "the kernel $version has no module $name" \
                "check its name, or add the package that has it to packages"
        fi
    done
    own=etc/initramfs-tools/modules
    if [ "$generator" = initramfs-tools ] && listed_tree | grep -qx "$own"; then
        sed -nE 's/^[[:space:]]*([^#[:space:]]+).*/\1/p' "$root/$own" > /run/work/named
        while read -r name <&9; do
            chroot "$root" modprobe -q -i -S "$version" --show-depends "$name" > /run/work/depends ||
                complain "$own" "the kernel $version has no module $name" \
                    "check its name, or add the package that has it to packages"
            sed -n 's/^insmod \([^ ]*\).*/\1/p' /run/work/depends >> /run/work/expected
        done 9< /run/work/named
    fi
    while read -r path <&9; do
        if chroot "$root" test -f "$path"; then
            echo "$path" >> /run/work/files
            lacking=$(chroot "$root" ldd "$path" 2> /run/work/error | sed -nE 's/^[[:space:]]*([^ ]+) => not found$/\1/p' | paste -s -d ' ')
            [ ! "$lacking" ] || problem initrd "$path" "$path needs $lacking, and nothing has it there" \
                "name that file in initrd.files, too, or add the package that has it to packages"
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
    listed_tree | sed -nE 's,^(etc|usr/lib)/modprobe\.d/[^/]+\.conf$,/&,p' >> /run/work/expected
    [ "$generator" != initramfs-tools ] ||
        listed_tree | sed -nE '/\/$/d; s,^(etc|usr/share)/initramfs-tools/(scripts/.*),/\2,p' >> /run/work/expected
}

# Tells of the modules that the profile names, and that firmware is missing which they may ask for: generators do so of some,
# or of none. One driver can name a hundred files, and a machine needs one of them.
firmware() {
    touch /run/work/named
    for name in $(sort -u /run/in/modules /run/work/named); do
        count=0
        chroot "$root" modinfo -k "$version" -F firmware "$name" 2> /run/work/error > /run/work/firmware || continue
        while IFS= read -r file <&9; do
            set -- "$root"/usr/lib/firmware/$file*
            [ ! -e "$1" ] || continue
            [ "$count" -gt 0 ] || first=$file
            count=$((count + 1))
        done 9< /run/work/firmware
        [ "$count" = 0 ] || tell "the module $name is named, and firmware of it is missing: $first, $count in all"
    done
}

# The layout of `keymap`, for a passphrase and for the shell of an initramfs that finds no medium. setupcon would take
# other characters than the system's where nothing says which, and give what it makes another name each time.
keyboard() {
    [ -e "$root"/bin/setupcon ] || return 0
    [ -e "$root"/etc/default/keyboard ] || echo 'XKBLAYOUT="us"' > "$root"/etc/default/keyboard
    [ -e "$root"/etc/default/console-setup ] ||
        printf 'ACTIVE_CONSOLES="/dev/tty1"\nCHARMAP="UTF-8"\n' > "$root"/etc/default/console-setup
    mkdir -p "$root"/etc/console-setup
    if ! chroot "$root" setupcon --save-only; then
        complain etc/default/keyboard "setupcon fails with it" "correct it, or choose another keymap"
        stop_on_problems
    fi
}

make_with_initramfs_tools() {
    own=$root/etc/initramfs-tools
    if [ -d "$root"/usr/lib/live/boot ]; then
        cat /run/step/layers/verify.sh /run/step/layers/live-boot.sh > "$root"/usr/lib/live/boot/9999-debate
    fi
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
    chroot "$root" mkinitramfs -v ${compression:+-c "$compression"} -o /boot/initrd "$version"
}

make_with_dracut() {
    module=$root/usr/lib/dracut/modules.d/91live-layers
    mkdir "$module"
    cp /run/step/layers/dracut-module.bash "$module"/module-setup.sh
    cp /run/step/layers/dracut-copied.sh "$module"/copied.sh
    cat /run/step/layers/verify.sh /run/step/layers/dracut-stack.sh > "$module"/stack.sh
    set -- --force --no-hostonly --reproducible --kver "$version"
    [ ! -e /run/in/network ] || set -- "$@" --add livenet
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
    while read -r _ path <&9; do
        [ -L "$root/$path" ] || [ ! -f "$root/$path" ] || cat /run/step/dracut-hook.bash >> "$root/$path"
    done 9< /run/work/own
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
        echo "heard='$(listed_tree | grep -xE 'etc/(vconsole\.conf|mdadm\.conf|lvm/lvm\.conf)' | paste -s -d ' ')'"
        [ ! -e /run/in/network ] || echo 'network=yes'
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
