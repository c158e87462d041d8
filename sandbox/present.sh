# Sourced by overlay.sh: checks that the system has what a profile names. Missing things would be ignored at boot.
# Needs `problem`.

# has_locale NAME: checks that locale-gen, which continues after errors, made it, and with its own character set.
has_locale() {
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
    [ -n "$(LC_ALL=$1 locale 2>&1 > /dev/null)" ] || return 0
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

# has_xkb LAYOUT [VARIANT]: Debian's console uses the keymaps of X.
has_xkb() {
    symbols=/usr/share/X11/xkb/symbols
    if [ ! -f "$symbols/$1" ]; then
        problem keymap "$1" "the system has no layout $1" \
            "choose one of $(ls "$symbols" | grep -x '[a-z]*' | tr '\n' ' ')"
        return
    fi
    variants=$(sed -n 's/.*xkb_symbols[[:space:]]*"\([^"]*\)".*/\1/p' "$symbols/$1")
    [ $# -lt 2 ] || printf '%s\n' "$variants" | grep -qxF -e "$2" ||
        problem keymap "$1-$2" "the layout $1 has no variant $2" "choose one of $(echo $variants)"
}

# has_console_keymap NAME: checks for a keymap of kbd.
has_console_keymap() {
    [ -z "$(find /usr/share/kbd/keymaps -name "$1.map*" -print -quit)" ] || return 0
    near=$(find /usr/share/kbd/keymaps -name "${1%"${1#??}"}*.map*" -printf '%f\n' | sed 's/\.map.*//' | sort -u | tr '\n' ' ')
    problem keymap "$1" "the system has no $1" "choose one of /usr/share/kbd/keymaps${near:+, such as $near}"
}

unit_directories='/etc/systemd/system /usr/local/lib/systemd/system /usr/lib/systemd/system /lib/systemd/system'

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

# real_unit UNIT: prints the unit whose other name this is, or /dev/null for one that is masked; else nothing.
real_unit() {
    file=$(unit_file "$1")
    [ -L "$file" ] || return 0
    target=$(readlink "$file")
    real=${target##*/} instance=${1#*@}
    if [ "$target" = /dev/null ]; then
        echo "$target"
    elif [ "$real" != "${file##*/}" ]; then
        case $real in
        *@.*) real="${real%%@*}@${instance%.*}.${real##*.}" ;;
        esac
        printf '%s\n' "$real"
    fi
}

# units: prints the names of all units, without .service.
units() {
    for directory in $unit_directories; do
        [ ! -d "$directory" ] || (cd "$directory" && find . -maxdepth 1 ! -type d -name '*.*' -printf '%P\n')
    done | sort -u | sed 'p; s/\.service$//'
}

# has_shells: checks that each user's shell is a program.
has_shells() {
    while IFS=: read -r name uid shell rest <&9; do
        [ -f "$shell" ] && [ -x "$shell" ] ||
            problem users "$shell" "$name: the system has no shell $shell" "add the package that contains it to packages"
    done 9< /run/in/users
}
