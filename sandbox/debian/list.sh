# Sourced for `list ROOT`, which prints the packages that are in ROOT, where nothing runs any more (tab-separated: name,
# version, architecture, source, its version, and dpkg's state unless that is `ii`). Scripts of packages could write to
# its database: dpkg-query gets a copy of one regular file, so that no link leads to another database, and no pipe blocks.
. /run/step/problem.sh

list() {
    database=$1/var/lib/dpkg
    if [ ! -f "$database/status" ] || [ "$(realpath "$database/status")" != "$database/status" ] ||
        [ -L "$database/updates" ] || [ "$(find "$database/updates" -mindepth 1 -print -quit 2> /dev/null)" ]; then
        problem packages "" "/var/lib/dpkg is not as dpkg leaves it: a script of a package changed it" "leave that package out"
        stop_on_problems
    fi
    mkdir -p /run/work/dpkg/info /run/work/dpkg/updates
    cp "$database/status" /run/work/dpkg/status
    dpkg-query --admindir=/run/work/dpkg -W \
        -f '${db:Status-Abbrev}\t${Package}\t${Version}\t${Architecture}\t${source:Package}\t${source:Version}\n' \
        > /run/work/installed
    sed -e 's/^ii \t//;t' -e '/^.[nc]/d' -e 's/^\([^\t ]*\) *\t\(.*\)/\2\t\1/' /run/work/installed | sort
}
