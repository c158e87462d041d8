# Sourced for `is_of_use`: checks that something in the system runs, starts or reads what the profile puts there, when hooks
# have run. Needs `problem` and `suggest`, of present.sh `is_unit`, `mask_of` and `units`, and of settings.sh `are_understood`.
# in, lines with a tab between their fields: wanted (a path, its kind, and more), interpreters (a program, a file that it is to
#     run), unit-links (system or user, path, target), units (system or user, path, unit that it is or changes), readers (a file,
#     programs of which one reads it, what to do without one), cron (a file that Debian's cron passes over, fact, remedy)

# tell PATH FACT REMEDY: reports what is wrong with a file, at the profile's field that has it or the hook that left it.
tell() {
    hook=
    [ ! -e /run/work/left ] ||
        hook=$(TOLD=$1 awk -F '\t' '$3 == ENVIRON["TOLD"] { found = $1 " " $2 } END { print found }' /run/work/left)
    if [ "$hook" ]; then
        problem hooks "${hook%% *}" "${hook#* } leaves $1: $2" "$3"
    else
        problem files "$1" "$1: $2" "$3"
    fi
}

# note_left NUMBER HOOK: adds what a hook left in directories of settings since /run/work/before was made to /run/work/left,
# in lines of NUMBER, HOOK and path. What is in /usr and of a package, which a hook may install, is not its own.
note_left() {
    find /etc/ /usr/local/lib/ /usr/lib/systemd/ /usr/lib/udev/ /usr/lib/*.d/ -xdev -type f -cnewer /run/work/before 2> /dev/null |
        sed 's|^/usr/lib/|/lib/|' | sort -u > /run/work/changed
    ! grep -q '^/lib/' /run/work/changed || {
        cat /var/lib/dpkg/info/*.list 2> /dev/null
        sed 's|^|/|' /var/lib/pacman/local/*/files 2> /dev/null
    } | sed 's|^/usr/lib/|/lib/|' | grep -xFf /run/work/changed | sort -u | grep '^/lib/' > /run/work/of-packages || :
    [ ! -e /run/work/of-packages ] || grep -vxFf /run/work/of-packages /run/work/changed > /run/work/own || :
    [ -e /run/work/of-packages ] || cp /run/work/changed /run/work/own
    rm -f /run/work/of-packages
    sed 's|^/lib/|/usr/lib/|' /run/work/own | NUMBER=$1 HOOK=$2 awk -v OFS='\t' '{ print ENVIRON["NUMBER"], ENVIRON["HOOK"], $0 }' >> /run/work/left
}

# exists passwd|group NAME: true if there is such a user or group, or comes with sysusers.d, which is read after this.
exists() {
    case $2 in
    *[!0-9]*) ;;
    *) return 0 ;;
    esac
    cut -d : -f 1 "/etc/$1" | grep -qxF -e "$2" ||
        cat /etc/sysusers.d/*.conf /usr/lib/sysusers.d/*.conf 2> /dev/null | NAME=$2 awk -v kinds="$1" '
            $2 == ENVIRON["NAME"] && ($1 ~ /^u/ || (kinds == "group" && $1 ~ /^g/)) { found = 1 }
            END { exit !found }'
}

# has_all_names FILE: checks for the users and groups that it names, which are in lines of /run/work/names.
has_all_names() {
    while read -r database name <&9; do
        case $database in passwd) word=user ;; *) word=group ;; esac
        exists "$database" "$name" ||
            tell "$1" "the system has no $word $name" "add it to users, or the package that creates it to packages"
    done 9< /run/work/names
}

# has_interpreters: checks for the programs that first lines of executable files name.
has_interpreters() {
    while IFS=$(printf '\t') read -r program path <&9; do
        case $program in
        /*) [ ! -x "$program" ] || continue ;;
        *) ! command -v "$program" > /dev/null || continue ;;
        esac
        problem files "$path" "$path: the system has no $program to run it" \
            "add the package that contains it to packages, or take its bit x away if nothing runs it"
    done 9< /run/in/interpreters
}

# comes_to_be UNIT: true if there is or can be one: those of other kinds come from devices and /etc/fstab, and some
# instances from generators.
comes_to_be() {
    case $1 in
    systemd-*@?*) return 0 ;;
    *.target | *.service | *.socket | *.timer | *.path) is_unit "$1" ;;
    esac
}

# has_link PATH TARGET: checks a link in a directory of units, or in one of .wants, .requires or .upholds there.
has_link() {
    unit=${1##*/} by=${1%/*}
    by=${by##*/}
    case $by in
    *.wants | *.requires | *.upholds) ;;
    *)
        [ "$2" = /dev/null ] || [ -e "$1" ] ||
            problem files "$1" "$1: the link leads to $2, and the system has no such file" "correct it, or leave it out"
        return
        ;;
    esac
    [ "$2" != /dev/null ] || return 0
    if ! comes_to_be "$unit"; then
        problem files "$1" "$1: the system has no unit $unit" \
            "$(units | suggest "$unit" "check its name, or add the package that contains it to packages")"
    elif [ "$(unit_file "$unit")" ] && [ "$(mask_of "$unit")" ]; then
        problem files "$1" "$1: $unit is masked in the system, so nothing starts it" "keep one"
    elif ! comes_to_be "${by%.*}"; then
        problem files "$1" "$1: the system has no unit ${by%.*} to start it" \
            "$(units | suggest "${by%.*}" "check its name, or add the package that contains it to packages")"
    fi
}

unit_kinds='service|socket|timer|path|mount|automount|swap|target|slice'

# names_of_unit FILE [UNIT]: prints `passwd` or `group`, and a name, for each user and group that FILE, a part of the file
# UNIT, names. Those of DynamicUser= come when it starts.
names_of_unit() {
    awk '
        FNR == 1 { files++ }
        { sub(/^[ \t]+/, "") }
        /^DynamicUser[ \t]*=[ \t]*(1|[Yy]|[Tt]|[Oo][Nn])/ { dynamic = 1 }
        files == 1 && match($0, /^(User|Group|SupplementaryGroups|SocketUser|SocketGroup)[ \t]*=/) {
            key = $0
            sub(/[ \t]*=.*/, "", key)
            sub(/^[^=]*=/, "")
            for (count = split($0, names, /[ \t]+/); count; count--)
                if (names[count] != "" && names[count] !~ /%/) found[(key ~ /User/ ? "passwd " : "group ") names[count]] = key
        }
        END { for (each in found) if (!dynamic || found[each] !~ /^(User|Group)$/) print each }' "$@" | sort
}

# has_users PATH UNIT: checks for the users and groups that a unit or drop-in names.
has_users() {
    file=$(unit_file "$2")
    [ -f "$file" ] && [ "$file" != "$1" ] || file=
    names_of_unit "$1" ${file:+"$file"} > /run/work/names
    has_all_names "$1"
}

# understands MANAGER: checks that systemd can start the profile's units, and passes over nothing in them. An instance
# stands for a template. Of what systemd says, what is only old stays in the log.
# Source: systemd-analyze(1), "verify".
understands() {
    manager=$1
    {
        cat /run/in/units
        [ ! -e /run/work/left ] || cut -f 3 /run/work/left |
            sed -nE 's,^(/.*/systemd/(system|user)/([^/]+\.('"$unit_kinds"'))(\.d/[^/]+\.conf)?)$,\2\t\1\t\3,p'
    } | sort -u | awk -F '\t' -v manager="$manager" '$1 == manager { print $2 "\t" $3 }' > /run/work/units
    [ -s /run/work/units ] || return 0
    set --
    while IFS=$(printf '\t') read -r path unit <&9; do
        has_users "$path" "$unit"
        case $path in
        *.d/*) set -- "$@" "$(echo "$unit" | sed 's/@\./@instance./')" ;;
        *) set -- "$@" "$path" ;;
        esac
    done 9< /run/work/units
    command -v systemd-analyze > /dev/null || return 0
    XDG_RUNTIME_DIR=/run/work systemd-analyze "--$manager" verify --man=no "$@" > /run/work/said 2>&1 || :
    cat /run/work/said >&2
    awk '
        # shorter PATH: without /usr, which it leaves out for what lies in /lib.
        function shorter(path) { sub("^/usr/lib/", "/lib/", path); return path }
        function tell(path, said) { if (!told[path, said]++) print path "\t" said }
        NR == FNR {
            split($0, fields, "\t")
            paths[shorter(fields[1])] = fields[1]
            sub(/@[^.]*\./, "@.", fields[2])
            if (!(fields[2] in of_unit)) of_unit[fields[2]] = fields[1]
            next
        }
        /obsolete|deprecated|legacy|unsafe|[Pp]lease (use|update)|has a bad unit file setting/ { next }
        {
            sub(/\.$/, "")
            line = shorter($0)
            for (path in paths) if (index(line, path ":") == 1) { tell(paths[path], substr(line, length(path) + 2)); next }
            unit = $1 == "Unit" ? $2 : $1
            sub(/:$/, "", unit)
            sub(/@[^.]*\./, "@.", unit)
            if (unit in of_unit) tell(of_unit[unit], $0)
        }' /run/work/units /run/work/said > /run/work/faults
    while IFS=$(printf '\t') read -r path said <&9; do
        case $said in
        *"Unit "*" not found"*)
            unit=${said##*Unit }
            ! comes_to_be "${unit%% *}" || continue
            remedy="correct its name, or add the package that contains it to packages"
            ;;
        *"is not executable"*) remedy="correct the path, add the package that contains it to packages, or write - before it if it may be missing" ;;
        *) remedy="correct it, see systemd.syntax(7)" ;;
        esac
        tell "$path" "systemd says: $said" "$remedy"
    done 9< /run/work/faults
}

# has_readers PATH PROGRAMS REMEDY: checks for one of the PROGRAMs.
has_readers() {
    for program in $2; do
        case $program in
        /*) [ ! -e "$program" ] || return 0 ;;
        *) ! command -v "$program" > /dev/null || return 0 ;;
        esac
    done
    problem files "$1" "$1: nothing in the system reads it" "$3"
}

# is_for_cron: tells what the system's cron passes over, if it is Debian's: others, as of a base, read more.
is_for_cron() {
    [ -x /usr/sbin/cron ] || return 0
    while IFS=$(printf '\t') read -r path fact remedy <&9; do
        problem files "$path" "$fact" "$remedy"
    done 9< /run/in/cron
}

is_of_use() {
    has_interpreters
    while IFS=$(printf '\t') read -r manager path target <&9; do
        [ "$manager" = system ] ||
            unit_directories='/etc/systemd/user /usr/local/lib/systemd/user /usr/lib/systemd/user /usr/share/systemd/user'
        has_link "$path" "$target"
        unit_directories=$system_directories
    done 9< /run/in/unit-links
    understands system
    understands user
    while IFS=$(printf '\t') read -r path programs remedy <&9; do
        has_readers "$path" "$programs" "$remedy"
    done 9< /run/in/readers
    is_for_cron
    {
        awk -F '\t' '$2 == "file" { print $1 }' /run/in/wanted
        [ ! -e /run/work/left ] || cut -f 3 /run/work/left
    } | sort -u > /run/work/paths
    are_understood /run/work/paths
}
