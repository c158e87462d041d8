# Sourced for `run_triggers`: runs what packages have run after such files of theirs, since programs read what it makes of
# them and not the files. Needs `problem`.
# in: triggers (lines of a program and a file for which it runs, with a tab between them), commands

# package_of PROGRAM: prints the packages that have it.
package_of() {
    case $1 in
    update-ca-trust) echo "ca-certificates-utils, of Arch; on Debian, put certificates into /usr/local/share/ca-certificates" ;;
    update-ca-certificates) echo "ca-certificates, of Debian; on Arch, put certificates into /etc/ca-certificates/trust-source/anchors" ;;
    dconf) echo "dconf-cli (dconf on Arch)" ;;
    glib-compile-schemas) echo "libglib2.0-bin (glib2 on Arch)" ;;
    depmod) echo kmod ;;
    update-mime-database) echo shared-mime-info ;;
    pam-auth-update) echo "libpam-runtime, of Debian" ;;
    locale-gen) echo "locales (glibc on Arch)" ;;
    esac
}

# in_each PROGRAM DIRECTORY …: runs it on each of the DIRECTORies that is there.
in_each() {
    program=$1
    shift
    for directory; do
        [ ! -d "$directory" ] || "$program" "$directory" || return
    done
}

# schema_compiler: prints the path of glib-compile-schemas; Debian has it in a directory of its library.
schema_compiler() {
    for program in "$(command -v glib-compile-schemas)" /usr/lib/*/glib-2.0/glib-compile-schemas; do
        [ ! -x "$program" ] || { echo "$program" && return; }
    done
}

# trigger PROGRAM PATH: runs it.
trigger() {
    case $1 in
    dconf) dconf update ;;
    glib-compile-schemas) in_each "$(schema_compiler)" /usr/share/glib-2.0/schemas /usr/local/share/glib-2.0/schemas ;;
    depmod)
        for directory in /usr/lib/modules/*/; do
            directory=${directory%/}
            depmod "${directory##*/}" || return
        done
        ;;
    update-mime-database) in_each update-mime-database /usr/share/mime /usr/local/share/mime ;;
    update-desktop-database) in_each update-desktop-database /usr/share/applications /usr/local/share/applications ;;
    gtk-update-icon-cache) # Of two equally old, GTK believes the cache and not the directory.
        theme=${2#/usr/share/icons/}
        theme=/usr/share/icons/${theme%%/*}
        [ ! -e "$theme/icon-theme.cache" ] || gtk-update-icon-cache --force --quiet "$theme"
        ;;
    pam-auth-update) DEBIAN_FRONTEND=noninteractive pam-auth-update --package ;;
    locale-gen) grep -qx locale-gen /run/in/commands || locale-gen ;; # It runs all the same.
    *) "$1" ;;
    esac
}

# is_there PROGRAM: true if the system has it.
is_there() {
    case $1 in
    glib-compile-schemas) [ -n "$(schema_compiler)" ] ;;
    *) command -v "$1" > /dev/null ;;
    esac
}

# is_in_a_profile PATH: checks that programs read the database of dconf to which a file belongs.
is_in_a_profile() {
    database=${1#/etc/dconf/db/}
    database=${database%%.d/*}
    [ -n "$(find /etc/dconf/profile /usr/share/dconf/profile -type f -exec grep -lx "system-db:$database" {} + 2> /dev/null)" ] ||
        problem files "$1" "$1: no profile of dconf has system-db:$database, so nothing reads it" \
            "add a file /etc/dconf/profile/user with the lines user-db:user and system-db:$database"
}

# is_the_same_again PATH: checks that what is made of it does not differ between builds.
is_the_same_again() {
    [ ! -e /etc/ca-certificates/update.d/jks-keystore ] ||
        problem files "$1" "$1: update-ca-certificates would put it into Java's keystore, which differs each time it is made" \
            "leave ca-certificates-java out, or add the certificate in a hook, after which builds differ"
}

run_triggers() {
    last=
    while IFS=$(printf '\t') read -r program path <&9; do
        [ "$program" != dconf ] || is_in_a_profile "$path"
        [ "$program" != dconf ] || [ "$program" != "$last" ] || continue # It makes all databases.
        last=$program
        told=$problems
        [ "$program" != update-ca-certificates ] || is_the_same_again "$path"
        [ "$problems" -eq "$told" ] || continue
        if is_there "$program"; then
            echo "running $program for $path"
            set -- "$program" "$path"
            trigger "$@" || problem files "$2" "$2: $1 failed with exit status $?" "see the log for its message"
        else
            case $program in update-desktop-database | gtk-update-icon-cache) continue ;; esac # They only make it faster.
            problem files "$path" "$path: the system has no $program, which makes of it what programs read" \
                "add the package that has it: $(package_of "$program")"
        fi
    done 9< /run/in/triggers
}
