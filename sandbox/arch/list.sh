# Sourced for `list ROOT`, which lists the packages that are installed in ROOT.
# out: packages (tab-separated: name, version, architecture, source, its version)
list() {
    for desc in "$1"/var/lib/pacman/local/*/desc; do
        awk -v RS= -F '\n' '{ value[$1] = $2 }
            END {
                source = value["%BASE%"] == "" ? value["%NAME%"] : value["%BASE%"]
                print value["%NAME%"] "\t" value["%VERSION%"] "\t" value["%ARCH%"] "\t" source "\t" value["%VERSION%"]
            }' "$desc"
    done | sort > /run/out/packages
}
