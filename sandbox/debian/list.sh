# Sourced for `list ROOT`, which prints the packages that are in ROOT, where nothing runs any more (tab-separated: name,
# version, architecture, source, its version, and dpkg's state unless that is `ii`).
. /run/step/debian/database.sh

list() {
    # What an interrupted dpkg left to be merged.
    updates=$1/var/lib/dpkg/updates
    if [ -L "$updates" ] || [ "$(find "$updates" -mindepth 1 -print -quit 2> /dev/null)" ]; then
        changed
    fi
    copy_database "$1" /run/work/dpkg
    dpkg-query --admindir=/run/work/dpkg -W \
        -f '${db:Status-Abbrev}\t${Package}\t${Version}\t${Architecture}\t${source:Package}\t${source:Version}\n' \
        > /run/work/installed || changed
    sed -e 's/^ii \t//;t' -e '/^.[nc]/d' -e 's/^\([^\t ]*\) *\t\(.*\)/\2\t\1/' /run/work/installed | sort
}
