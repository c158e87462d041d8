# Sourced for `bring_up_to_date`, the last thing that changes the system: does what units with ConditionNeedsUpdate= would do
# at each first boot, and leaves the files by which systemd sees that it is done (systemd-update-done.service(8)).
# Needs `system_directories` of present.sh.

# is_older FILE DIRECTORY …: true if FILE is missing, or something in the DIRECTORies came after it was made. What this
# layer changes has the present time as its ctime, and what is below the time of its layer.
is_older() {
    made=$1
    shift
    [ ! -e "$made" ] || [ -n "$(find "$@" -newercm "$made" -print -quit 2> /dev/null)" ]
}

# has_changed PATH …: true if this layer changed one of these files, or has something new or altered directly in one of these
# directories, or nothing more of what was there. What is below was there before this script.
laid_out=/run/step/up-to-date.sh
has_changed() {
    [ -n "$(find "$@" -maxdepth 1 ! -type d -newercc "$laid_out" -print -quit 2> /dev/null)" ] ||
        [ -n "$(find "$@" -maxdepth 0 -newermc "$laid_out" -print -quit 2> /dev/null)" ]
}

# library_directories: prints where ldconfig looks.
library_directories() {
    {
        printf '%s\n' /usr/lib /usr/lib64 /usr/lib32 /usr/libx32
        cat /etc/ld.so.conf /etc/ld.so.conf.d/* 2> /dev/null | sed -n 's,^[[:space:]]*\(/[^#[:space:]]*\).*,\1,p'
    } | sed 'p; s,$,/glibc-hwcaps/*,'
}

# ldconfig.service. Packages keep its cache up to date, and it reads all libraries.
update_libraries() {
    command -v ldconfig > /dev/null || return 0
    [ ! -e /etc/ld.so.cache ] || has_changed /etc/ld.so.cache /etc/ld.so.conf /etc/ld.so.conf.d $(library_directories) || return 0
    ldconfig -i -X -C /run/work/libraries || return
    [ "$(sha256sum < /run/work/libraries)" = "$(sha256sum < /etc/ld.so.cache)" ] || cat /run/work/libraries > /etc/ld.so.cache
}

# systemd-sysusers.service
update_users() {
    ! command -v systemd-sysusers > /dev/null || systemd-sysusers
}

# systemd-hwdb-update.service, with its other conditions: packages keep the database in /usr up to date.
update_hardware() {
    command -v systemd-hwdb > /dev/null || return 0
    [ ! -e /usr/lib/udev/hwdb.bin ] || [ -e /etc/udev/hwdb.bin ] || [ "$(ls -A /etc/udev/hwdb.d 2> /dev/null)" ] || return 0
    ! is_older /etc/udev/hwdb.bin /etc/udev/hwdb.d /usr/lib/udev/hwdb.d || systemd-hwdb update
}

# systemd-journal-catalog-update.service
update_catalog() {
    command -v journalctl > /dev/null || return 0
    ! is_older /var/lib/systemd/catalog/database /etc/systemd/catalog /usr/local/lib/systemd/catalog \
        /usr/lib/systemd/catalog || journalctl --update-catalog
}

# Debian's console-setup.service: it makes the keymap again unless this script is newer than what the map is made of, and
# files of one layer are equally old.
update_console() {
    ! command -v setupcon > /dev/null || ! is_older /etc/console-setup/cached_setup_terminal.sh /etc/default/keyboard \
        /etc/default/console-setup /etc/locale.conf || (. /etc/default/locale && export LANG && setupcon --save-only) || return
    touch -c -d @0 /etc/default/keyboard /etc/default/console-setup
}

# none_waits DIRECTORY: true if no other unit has something to do there at the first boot.
none_waits() {
    waiting=$(grep -rlsE "^[[:space:]]*ConditionNeedsUpdate[[:space:]]*=[[:space:]]*[|]?[[:space:]]*/$1/?[[:space:]]*\$" \
        $system_directories | grep -vE '/(ldconfig|systemd-(hwdb-update|journal-catalog-update|sysusers|update-done))\.service$')
    [ -n "$waiting" ] || return 0
    echo "the first boot is to update /$1, since units wait for it:" $waiting
    return 1
}

# What cannot be done now is left to the first boot.
bring_up_to_date() {
    update_console || true
    updated=
    ! update_libraries || ! update_users || ! update_hardware || ! none_waits etc || updated=/etc/.updated
    ! update_catalog || ! none_waits var || updated="$updated /var/.updated"
    # They must not be older than /usr. As the newest files of one layer, all of these have its epoch.
    touch /usr $updated
}
