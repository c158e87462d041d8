# Sourced by overlay.sh: checks that the system has what a profile names. Missing things would be ignored at boot.
# Needs `problem`, and `has_module` of settings.sh.

# lacks_locale NAME: true if the C library does not find it.
lacks_locale() {
    [ -n "$(LC_ALL=$1 locale 2>&1 > /dev/null)" ]
}

# has_locale NAME: checks that locale-gen, which continues after errors, made it, and with its own character set.
has_locale() {
    if lacks_locale "$1" && ! awk -v name="$1" '$1 == name { found = 1 } END { exit !found }' /etc/locale.gen; then
        problem locale "$1" "/etc/locale.gen is the profile's own, and has no line for $1" \
            "add one that begins with $1 to it, or leave that file out"
        return
    fi
    case $1 in
    *.*) ;;
    *)
        charset=$(sed -n "s/^$1 //p" /usr/share/i18n/SUPPORTED 2> /dev/null || true)
        if [ -n "$charset" ] && ! grep -qxF "$1 $charset" /etc/locale.gen; then
            language=${1%@*}
            problem locale "$1" "$1 has the character set $charset, and its name does not say so" \
                "write $language.$charset${1#"$language"}"
            return
        fi
        ;;
    esac
    lacks_locale "$1" || return 0
    near=$(ls /usr/share/i18n/locales | grep "^${1%%_*}_" | tr '\n' ' ')
    problem locale "$1" "the system has no $1" "choose one of /usr/share/i18n/locales${near:+; for this language: $near}"
}

has_timezone() {
    [ "$(head -c 4 "/usr/share/zoneinfo/$1" 2> /dev/null)" != TZif ] || return 0 # There are other files, such as leapseconds.
    city=${1##*/}
    near=$(find /usr/share/zoneinfo -name posix -prune -o -name right -prune -o \
        ! -type d -iname "${city%"${city#???}"}*" -printf '%P ')
    problem timezone "$1" "the system has no $1" \
        "${near:+choose one that it has, such as $near(}old names are in Debian's package tzdata-legacy${near:+)}"
}

# xkb_names: prints the layouts, as lines of LAYOUT, and their variants, of LAYOUT VARIANT, that the rules of X list. Beside
# the files of layouts there are others, such as that of capslock.
xkb_names() {
    cat /usr/share/X11/xkb/rules/evdev.xml /usr/share/X11/xkb/rules/base.extras.xml | awk '
        /<layoutList>/ { inside = 1 }
        /<\/layoutList>/ { inside = 0 }
        /<layout>/ { layout = "" }
        /<configItem/ { new = inside }
        new && match($0, /<name>[^<]*/) {
            name = substr($0, RSTART + 6, RLENGTH - 6)
            new = 0
            print layout == "" ? name : layout " " name
            if (layout == "") layout = name
        }'
}

# has_xkb LAYOUT [VARIANT]: Debian's console uses the keymaps of X.
has_xkb() {
    names=$(xkb_names | sort -u)
    if [ ! -f "/usr/share/X11/xkb/symbols/$1" ] || ! printf '%s\n' "$names" | grep -qxF -e "$1"; then
        problem keymap "$1" "the system has no layout $1" "choose one of $(printf '%s\n' "$names" | grep -v ' ' | tr '\n' ' ')"
        return
    fi
    [ $# -lt 2 ] || printf '%s\n' "$names" | grep -qxF -e "$1 $2" || {
        variants=$(printf '%s\n' "$names" | sed -n "s/^$1 //p" | tr '\n' ' ')
        problem keymap "$1-$2" "the layout $1 has no variant $2" "${variants:+choose one of }${variants:-leave it out}"
    }
}

# console_keymaps PATTERN: prints the names of keymaps of kbd. Those of other computers have numbers of other keys, and
# those in `include` are parts of keymaps.
console_keymaps() {
    find /usr/share/kbd/keymaps \( -name include -o -name amiga -o -name atari -o -name sun \) -prune -o \
        -name "$1.map*" -printf '%f\n' | sed 's/\.map.*//' | sort -u
}

# has_console_keymap NAME: checks for a keymap of kbd.
has_console_keymap() {
    [ -z "$(console_keymaps "$1")" ] || return 0
    near=$(console_keymaps "${1%"${1#??}"}*" | tr '\n' ' ')
    problem keymap "$1" "the system has no $1" "choose one of /usr/share/kbd/keymaps${near:+, such as $near}"
}

# has_speech: checks that a kernel can read its console out. Those for clouds have neither sound nor this.
has_speech() {
    has_module speakup_soft ||
        problem boot.entries accessibility "no kernel of the system has a module speakup_soft" \
            "choose another kernel, or leave the entry out"
}

system_directories='/etc/systemd/system /usr/local/lib/systemd/system /usr/lib/systemd/system /lib/systemd/system'
unit_directories=$system_directories

# unit_file UNIT: prints the path of its file, or of its template's; nothing if there is none. The name of an instance may
# have dots, and escapes (\x2d), of which echo and sed would make something else.
unit_file() {
    case $1 in
    *@*) set -- "$1" "${1%%@*}@.${1##*.}" ;;
    esac
    for name; do
        for directory in $unit_directories; do
            if [ -e "$directory/$name" ] || [ -L "$directory/$name" ]; then
                printf '%s\n' "$directory/$name"
                return
            fi
        done
    done
}

# is_unit UNIT: true if it has a unit file, its template has one, or it is a System V script.
is_unit() {
    [ -n "$(unit_file "$1")" ] || [ -e "/etc/init.d/${1%.service}" ]
}

# mask_of UNIT: prints the file that masks it, if one does: an empty file, or a link to /dev/null.
mask_of() {
    file=$(unit_file "$1")
    if [ "$(readlink "$file")" = /dev/null ] || { [ -f "$file" ] && [ ! -s "$file" ]; }; then
        printf '%s\n' "$file"
    fi
}

# instance_of UNIT NAME: prints NAME, with the instance of UNIT if it is a template.
instance_of() {
    instance=${1#*@}
    case $2 in
    *@.*) set -- "$1" "${2%%@*}@${instance%.*}.${2##*.}" ;;
    esac
    printf '%s\n' "$2"
}

# real_unit UNIT: prints the unit whose other name this is; else nothing.
real_unit() {
    file=$(unit_file "$1")
    [ -L "$file" ] || return 0
    target=$(readlink "$file")
    real=${target##*/}
    [ "$target" = /dev/null ] || [ "$real" = "${file##*/}" ] || instance_of "$1" "$real"
}

# alias_of UNIT: prints the unit that would have this name, too, once it is enabled; else nothing.
alias_of() {
    template=$1
    case $1 in
    *@*) template="${1%%@*}@.${1##*.}" ;;
    esac
    for directory in $unit_directories; do
        [ ! -d "$directory" ] || NAME=$1 TEMPLATE=$template find "$directory/" -mindepth 1 -maxdepth 1 -type f -name '*.*' -exec awk '
            FNR == 1 { section = "" }
            /^[ \t]*\[/ { section = $1 }
            section == "[Install]" && sub(/^[ \t]*Alias[ \t]*=/, "") {
                for (n = split($0, names); n; n--) if (names[n] == ENVIRON["NAME"] || names[n] == ENVIRON["TEMPLATE"]) {
                    file = FILENAME
                    sub(/.*\//, "", file)
                    print file
                }
            }' {} +
    done | sort -u | head -n 1 > /run/work/alias
    while IFS= read -r real <&9; do
        instance_of "$1" "$real"
    done 9< /run/work/alias
}

# is_of_users UNIT: true if it is a unit of users' own managers, not of the system's.
is_of_users() {
    unit_directories='/etc/systemd/user /usr/local/lib/systemd/user /usr/lib/systemd/user'
    file=$(unit_file "$1")
    unit_directories=$system_directories
    [ -n "$file" ]
}

# units: prints the names of all units, without .service.
units() {
    for directory in $unit_directories; do
        [ ! -d "$directory" ] || (cd "$directory" && find . -maxdepth 1 ! -type d -name '*.*' -printf '%P\n')
    done | sort -u | sed 'p; s/\.service$//'
}

# can_change VERB UNIT: checks that a unit can be enabled, disabled or masked. What comes of it is looked at by arrived.pl.
can_change() {
    real=$(real_unit "$2")
    mask=$(mask_of "$2")
    if ! is_unit "$2"; then
        real=$(alias_of "$2")
        if [ "$real" ]; then
            problem services "$2" "$2 is another name of $real" "write $real"
        elif is_of_users "$2"; then
            problem services "$2" "$2 is a unit of users, and the system has none of this name" \
                "$1 it in a hook, for all of them: systemctl --global $1 $2"
        else
            problem services "$2" "the system has no unit $2" \
                "$(units | suggest "$2" "check its name, or add the package that contains it to packages")"
        fi
    elif [ -n "$real" ] && { [ "$1" != mask ] || [ -L "/etc/systemd/system/$2" ]; }; then
        problem services "$2" "$2 is another name of $real" "write $real"
    elif [ -n "$mask" ] && [ "$1" != mask ]; then
        case $mask in
        /etc/*) remedy="leave it out, or remove $mask, which masks it" ;;
        *) remedy="leave it out; $mask masks it, unless the profile has a unit file in /etc/systemd/system" ;;
        esac
        problem services "$2" "$2 is masked in the system, so it cannot be ${1}d" "$remedy"
    elif [ "$1" = mask ] && [ -f "/etc/systemd/system/$2" ] && [ ! -L "/etc/systemd/system/$2" ]; then
        problem services "$2" "$2 is a file in /etc/systemd/system, where the mask would have to be" \
            "leave the file out, or put it into /usr/lib/systemd/system"
    fi
}

# has_shells: checks that each user's shell is a program.
has_shells() {
    while IFS=: read -r name uid shell rest <&9; do
        [ -f "$shell" ] && [ -x "$shell" ] ||
            problem users "$shell" "$name: the system has no shell $shell" "add the package that contains it to packages"
    done 9< /run/in/users
}
