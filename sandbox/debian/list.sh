# Sourced for `list ROOT`, which lists the packages that are installed in ROOT.
# out: packages (tab-separated: name, version, architecture, source, its version)
list() {
    dpkg-query --admindir="$1/var/lib/dpkg" -W \
        -f '${Package}\t${Version}\t${Architecture}\t${source:Package}\t${source:Version}\n' |
        sort > /run/out/packages
}
