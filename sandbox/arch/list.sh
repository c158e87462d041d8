# Sourced for `list ROOT`, which prints the packages that are installed in ROOT, where nothing runs any more
# (tab-separated: name, version, architecture, source, its version). Scripts of packages could write to its database:
# only regular files in real directories are read.
. /run/step/problem.sh

list() {
    database=$1/var/lib/pacman/local
    if [ ! -d "$database" ] || [ "$(realpath "$database")" != "$database" ]; then
        problem packages "" "/var/lib/pacman is not as pacman leaves it: a script of a package changed it" \
            "leave that package out"
        stop_on_problems
    fi
    find "$database" -mindepth 2 -maxdepth 2 -name desc -type f -print0 | xargs -0 awk '
        function told(    source) {
            source = value["%BASE%"] == "" ? value["%NAME%"] : value["%BASE%"]
            print value["%NAME%"] "\t" value["%VERSION%"] "\t" value["%ARCH%"] "\t" source "\t" value["%VERSION%"]
            split("", value)
        }
        FNR == 1 { if (NR != 1) told(); line = 1 }
        $0 == "" { line = 1; next }
        line == 1 { title = $0 }
        line == 2 { value[title] = $0 }
        { line++ }
        END { told() }' | sort
}
