# Sourced for `copy_database ROOT COPY`, which makes COPY a database of dpkg with the packages of the one in ROOT, or ends with
# a problem, and for `changed`, which ends so where dpkg-query cannot read the copy. Scripts of packages could write to that in
# ROOT: dpkg-query gets a copy of one regular file, so that no link leads to another database, and no pipe blocks.
. /run/step/problem.sh

changed() {
    problem packages "" "/var/lib/dpkg is not as dpkg leaves it: a script of a package changed it" "leave that package out"
    stop_on_problems
}

copy_database() {
    database=${1%/}/var/lib/dpkg/status
    [ -f "$database" ] && [ "$(realpath "$database")" = "$database" ] || changed
    mkdir -p "$2/info" "$2/updates"
    cp "$database" "$2/status"
}
