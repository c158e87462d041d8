# Sourced for `are_understood`: has programs of the system read the profile's files for them, each in the mode that it has
# for tests; when they run they pass over what they do not understand. Needs `tell`, `exists` and `has_all_names` of used.sh.
# Sources: visudo(8), cvtsudoers(1), sshd(8), ssh(1), modprobe(8), modinfo(8), udevadm(8), systemd-tmpfiles(8),
# systemd-sysusers(8), netplan-generate(8), NetworkManager(8), nmcli(1), logrotate(8), dnsmasq(8), chronyd(8).

# kinds: prints lines of a program, its manual, and a pattern of the paths that it reads. A dot at the end of a name has a
# backslash; a pattern has no group that begins with one of the system's directories.
kinds() {
    cat << 'END'
visudo	sudoers(5)	^/etc/sudoers(\.d/[^/]+)?$
sshd	sshd_config(5)	^/etc/ssh/sshd_config(\.d/[^/]+)?$
ssh	ssh_config(5)	^/etc/ssh/ssh_config(\.d/[^/]+)?$
modprobe	modprobe.d(5)	^/etc/modprobe\.d/[^/]+\.conf$
modprobe	modprobe.d(5)	^/usr/lib/modprobe\.d/[^/]+\.conf$
modules-load	modules-load.d(5)	^/etc/modules(-load\.d/[^/]+\.conf)?$
modules-load	modules-load.d(5)	^/usr/lib/modules-load\.d/[^/]+\.conf$
udevadm	udev(7)	^/etc/udev/rules\.d/[^/]+\.rules$
udevadm	udev(7)	^/usr/lib/udev/rules\.d/[^/]+\.rules$
systemd-tmpfiles	tmpfiles.d(5)	^/etc/tmpfiles\.d/[^/]+\.conf$
systemd-tmpfiles	tmpfiles.d(5)	^/usr/lib/tmpfiles\.d/[^/]+\.conf$
systemd-sysusers	sysusers.d(5)	^/etc/sysusers\.d/[^/]+\.conf$
systemd-sysusers	sysusers.d(5)	^/usr/lib/sysusers\.d/[^/]+\.conf$
netplan	netplan(5)	^/etc/netplan/[^/]+\.yaml$
NetworkManager	NetworkManager.conf(5)	^/etc/NetworkManager/(NetworkManager\.conf|conf\.d/[^/]+\.conf)$
nmcli	nm-settings-keyfile(5)	^/etc/NetworkManager/system-connections/[^/]+$
logrotate	logrotate(8)	^/etc/logrotate\.(conf|d/[^/]+)$
dnsmasq	dnsmasq(8)	^/etc/dnsmasq\.(conf|d/[^/]+)$
chronyd	chrony.conf(5)	^/etc/chrony/(chrony\.conf|conf\.d/[^/]+\.conf)$
nsswitch	nsswitch.conf(5)	^/etc/nsswitch\.conf$
daemon	the manual of that file	^/etc/systemd/(journald|logind|resolved|timesyncd|oomd|networkd)\.conf(\.d/[^/]+\.conf)?$
daemon	systemd.network(5)	^/etc/systemd/network/[^/]+\.(network|netdev|link)(\.d/[^/]+\.conf)?$
daemon	systemd.network(5)	^/usr/lib/systemd/network/[^/]+\.(network|netdev|link)(\.d/[^/]+\.conf)?$
END
}

# each COMMAND … -- FILE …: runs the COMMAND with each of the FILEs.
each() {
    command=
    while [ "$1" != -- ]; do
        command="$command $1"
        shift
    done
    shift
    for file; do
        $command "$file"
    done
}

# in_a_copy COMMAND FILE …: runs the COMMAND with a directory that has the system's users and the FILEs, and their copies.
in_a_copy() {
    copy=/run/work/copy command=$1
    shift
    rm -rf "$copy"
    mkdir -p "$copy/etc"
    cp /etc/passwd /etc/group "$copy/etc"
    for file; do
        mkdir -p "$copy${file%/*}"
        cp "$file" "$copy$file"
        shift
        set -- "$@" "$copy$file"
    done
    "$command" "$copy" "$@" 2>&1 | sed "s|$copy/|/|g" || :
    rm -rf "$copy"
}

tmpfiles() {
    root=$1
    shift
    systemd-tmpfiles --create --root="$root" "$@"
}

netplans() {
    netplan generate --root-dir "$1"
}

# connections FILE …: has NetworkManager read them; it does not name the file.
connections() {
    for file; do
        nmcli --offline connection modify connection.autoconnect-priority 0 < "$file" 2>&1 > /dev/null | sed "s|^|$file: |"
    done
}

# load FILE …: checks that each kernel has the modules.
load() {
    for file; do
        sed 's/^[[:space:]]*//; /^[#;]/d; /^$/d' "$file" > /run/work/names
        while read -r name rest <&9; do
            has_module "$name" || echo "$file: no kernel of the system has a module $name"
        done 9< /run/work/names
    done
}

# has_module NAME: true if a kernel of the system has it, as a file or in itself.
has_module() {
    for directory in /usr/lib/modules/*/; do
        [ ! -e "$directory/modules.dep" ] || ! modprobe -n -q -S "$(basename "$directory")" -- "$1" || return 0
    done
    ! ls /usr/lib/modules/*/modules.dep > /dev/null 2>&1
}

# options FILE …: checks that modules for which there are options are there, and have them.
options() {
    for file; do
        awk '$1 == "options" { for (n = 3; n <= NF; n++) print $2, $n }' "$file" > /run/work/names
        while read -r name option <&9; do
            option=${option%%=*}
            has_module "$name" || {
                echo "$file: no kernel of the system has a module $name, for which there are options"
                continue
            }
            case $option in dyndbg | async_probe | *[!A-Za-z0-9_-]*) continue ;; esac
            for directory in /usr/lib/modules/*/; do
                modinfo -k "$(basename "$directory")" -F parm -- "$name" 2> /dev/null
            done | cut -d : -f 1 | tr - _ > /run/work/parameters
            [ ! -s /run/work/parameters ] || grep -qxF -e "$(echo "$option" | tr - _)" /run/work/parameters ||
                echo "$file: the module $name has no option $option"
        done 9< /run/work/names
    done
}

# services FILE: checks that the C library has what each of its databases is looked up in.
services() {
    awk '{ sub(/#.*/, "") } split($0, parts, ":") > 1 {
        gsub(/\[[^]]*\]/, " ", parts[2])
        gsub(/[ \t]/, "", parts[1])
        print parts[1], parts[2]
    }' "$1" > /run/work/names
    while read -r database names <&9; do
        case $database in
        aliases | automount | bootparams | ethers | group | gshadow | hosts | initgroups | netgroup | netmasks | networks | \
            passwd | protocols | publickey | rpc | services | shadow | sudoers | subid) ;;
        *)
            echo "$1: it looks up no $database"
            continue
            ;;
        esac
        for name in $names; do
            [ "$database" != sudoers ] && [ "$database" != automount ] && [ "$database" != subid ] || continue
            case $name in files | dns) continue ;; esac
            [ -n "$(find /lib/ /usr/lib/ -maxdepth 2 -name "libnss_$name.so*" -print -quit)" ] ||
                echo "$1: it has no libnss_$name.so.2, to look up $database"
        done
    done 9< /run/work/names
}

# daemon_of FILE: prints the program of systemd that reads it.
daemon_of() {
    case $1 in
    */network/*.link | */network/*.link.d/*) command -v udevadm ;;
    */network/*) echo /usr/lib/systemd/systemd-networkd ;;
    *)
        name=${1##*/systemd/}
        echo "/usr/lib/systemd/systemd-${name%%.conf*}"
        ;;
    esac
}

# keys FILE …: checks that the program of systemd to which a file belongs has its keys, which are in it as SECTION.KEY: it
# cannot be started here.
keys() {
    for file; do
        daemon=$(daemon_of "$file")
        [ -e "$daemon" ] || continue
        tr -c '[:alnum:].-' '\n' < "$daemon" | grep -E '^[A-Z0-9][A-Za-z0-9-]*\.[A-Z0-9]' > /run/work/keys || continue
        awk '
            NR == FNR { known[$0]; split($0, parts, "."); sections[parts[1]]; next }
            { sub(/^[ \t]+/, "") }
            /^[#;]/ || !NF { next }
            /^\[/ { section = $0; gsub(/[][ \t\r]/, "", section); if (!(section in sections)) { print FNR, "unknown section", section; section = "" }; next }
            !/=/ { print FNR, "no assignment"; next }
            section == "" { next }
            { key = $0; sub(/[ \t]*=.*/, "", key); if (key !~ /^X-/ && !((section "." key) in known)) print FNR, "unknown key", key, "in section", section }
        ' /run/work/keys "$file" | sed "s|^\([0-9]*\) |$file:\1: |"
    done
}

# read_by PROGRAM FILE …: has the PROGRAM read the FILEs, or all of its files, and prints what it says of them.
read_by() {
    program=$1
    shift
    case $program in
    visudo) visudo -c -f /etc/sudoers ;; # Aliases of one file are used in others.
    sshd)
        mkdir -p /run/sshd
        [ -e /run/work/host-key ] || ssh-keygen -q -t ed25519 -N '' -f /run/work/host-key
        "$(command -v sshd)" -t -h /run/work/host-key # It starts itself again, by its whole path.
        ;;
    ssh) ssh -G -F /etc/ssh/ssh_config localhost > /dev/null ;;
    modprobe)
        modprobe -c > /dev/null
        options "$@"
        ;;
    modules-load) load "$@" ;;
    udevadm) ! udevadm verify --help > /dev/null 2>&1 || udevadm verify --no-style "$@" ;; # From systemd 254 on.
    systemd-tmpfiles) in_a_copy tmpfiles "$@" ;;
    systemd-sysusers) each systemd-sysusers --dry-run -- "$@" ;;
    netplan) in_a_copy netplans "$@" ;;
    NetworkManager) NetworkManager --print-config ;;
    nmcli) connections "$@" ;;
    logrotate) each logrotate -d -- "$@" ;;
    dnsmasq) each dnsmasq --test -C -- "$@" ;;
    chronyd) chronyd -p ;;
    nsswitch) services "$@" ;;
    daemon) keys "$@" ;;
    esac
}

# program_of KIND: prints the program that has to be there.
program_of() {
    case $1 in
    modules-load) echo modprobe ;;
    nsswitch | daemon) echo sh ;;
    *) echo "$1" ;;
    esac
}

# name_of KIND: prints who reads such files.
name_of() {
    case $1 in
    modules-load | systemd-* | daemon) echo systemd ;;
    nsswitch) echo "the C library" ;;
    nmcli) echo NetworkManager ;;
    udevadm) echo udev ;;
    *) echo "$1" ;;
    esac
}

# heard: prints path and fact, with a tab between them, for each line of /run/work/said that names a path of /run/work/read.
# What is only old, a matter of style or of modes is none.
heard() {
    awk '
        NR == FNR { paths[$0]; next }
        /parsed OK|style:|check failed|[Dd]eprecated|too open|reading config|[Ff]ound error in|terminating|bad permissions/ { next }
        /should be mode|is owned by|NetworkManager configuration:/ { next }
        {
            for (path in paths) {
                if (!(at = index($0, path))) continue
                before = substr($0, 1, at - 1)
                after = substr($0, at + length(path))
                if (before ~ /[A-Za-z0-9._-]$/ || after ~ /^([A-Za-z0-9_\/-]|\.[A-Za-z0-9])/) continue
                sub(/^["\047)]?[:, ]*/, "", after)
                sub(/[:, (]*((of|in)( file)?)?[ "\047(]*$/, "", before)
                said = after == "" || after ~ /^ignoring\.?$/ ? before : after
                sub(/[.,] *$/, "", said)
                sub(/^(# WARNING: |[0-9]+-[0-9-]+T[0-9:]+Z )/, "", said)
                if (said != "" && !told[path, said]++) print path "\t" said
            }
        }' /run/work/read /run/work/said
}

# is_there_later WORDS: true if they are of a user or group that comes with the profile's own sysusers.d.
is_there_later() {
    case $1 in
    *"user '"*"'"*) later=passwd ;;
    *"group '"*"'"*) later=group ;;
    *) return 1 ;;
    esac
    name=${1#*\'}
    exists "$later" "${name%%\'*}"
}

# names_of_sudoers FILE: prints `passwd` or `group`, and a name, for each user and group that is named there. Names in
# capitals are aliases, also of other files.
names_of_sudoers() {
    ! command -v cvtsudoers > /dev/null || cvtsudoers -f json "$1" 2> /dev/null |
        sed -n 's/.*"username": "\([^"]*\)".*/passwd \1/p; s/.*"usergroup": "\([^"]*\)".*/group \1/p' | grep -v ' [A-Z][A-Z0-9_]*$' | sort -u
}

# names_of_cron FILE: prints `passwd` and the user of each of its lines.
names_of_cron() {
    awk '
        /^[ \t]*(#|$)/ || /^[ \t]*["\047]?[A-Za-z_][A-Za-z0-9_]*["\047]?[ \t]*=/ { next }
        { print "passwd", $1 ~ /^@/ ? $2 : $6 }' "$1" | sort -u
}

# has_names KIND FILE …: checks for the users and groups that the FILEs name.
has_names() {
    kind=$1
    shift
    for file; do
        "names_of_$kind" "$file" > /run/work/names
        has_all_names "$file"
    done
}

# are_understood PATHS: PATHS is a file with the paths of what the profile puts into the system, one a line.
are_understood() {
    paths=$1
    kinds > /run/work/kinds
    grep -E '/(etc|lib)/' "$paths" | awk -F '\t' '
        NR == FNR { programs[NR] = $1; manuals[NR] = $2; patterns[NR] = $3; last = NR; next }
        { for (n = 1; n <= last; n++) if ($0 ~ patterns[n]) { print programs[n] "\t" manuals[n] "\t" $0; next } }
    ' /run/work/kinds - > /run/work/settings
    for kind in $(cut -f 1 /run/work/settings | sort -u); do
        command -v "$(program_of "$kind")" > /dev/null || continue
        manual=$(awk -F '\t' -v kind="$kind" '$1 == kind { print $2; exit }' /run/work/settings)
        awk -F '\t' -v kind="$kind" '$1 == kind { print $3 }' /run/work/settings > /run/work/read
        set --
        while IFS= read -r path <&9; do
            set -- "$@" "$path"
        done 9< /run/work/read
        echo "having $kind read $*"
        read_by "$kind" "$@" > /run/work/raw 2>&1 || : # With an error, or without one, that is of another file.
        tr -d '\r' < /run/work/raw > /run/work/said
        cat /run/work/said
        heard > /run/work/faults
        while IFS=$(printf '\t') read -r path said <&9; do
            is_there_later "$said" || tell "$path" "$(name_of "$kind") says: $said" "correct it, see $manual"
        done 9< /run/work/faults
        [ "$kind" != visudo ] || has_names sudoers "$@"
    done
    grep -E '/etc/(crontab|cron\.d/[A-Za-z0-9_-]+)$' "$paths" > /run/work/read || :
    set --
    while IFS= read -r path <&9; do
        set -- "$@" "$path"
    done 9< /run/work/read
    has_names cron "$@"
}
