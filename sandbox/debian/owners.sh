# Sourced in the root directory of a system or of a layer, for questions to its dpkg database. It may have none.

# dpkg_owners PATHS: of the paths in a file, those that a package has, as lines of PATH PACKAGE MD5 with tabs between
# them. MD5 is empty in the line for a package's list, which has directories, too.
dpkg_owners() {
    [ -d var/lib/dpkg/info ] || return 0
    find var/lib/dpkg/status var/lib/dpkg/info -type f \( -name status -o -name '*.list' -o -name '*.md5sums' \) -print0 |
        WANTED=$1 xargs -0 -r awk '
            # Packages from before the merge of /usr have files in /bin and /lib.
            function real(path) { sub(/^(bin|sbin|lib|lib64)\//, "usr/&", path); return path }
            function told(path, md5) { path = real(path); if (path in wanted) print wanted[path] "\t" name "\t" md5 }
            BEGIN {
                while ((getline line < ENVIRON["WANTED"]) > 0) {
                    wanted[real(line)] = line
                    name = line # A script of a package is in no list.
                    if (sub(/^var\/lib\/dpkg\/info\//, "", name) && sub(/(:[a-z0-9-]+)?\.[a-z0-9]+$/, "", name)) print line "\t" name "\t"
                }
            }
            FNR == 1 {
                kind = name = FILENAME
                sub(/.*[.\/]/, "", kind)
                sub(/.*\//, "", name)
                sub(/(:[a-z0-9-]+)?\.[a-z0-9]+$/, "", name)
            }
            kind == "list" { told(substr($0, 2), "") }
            kind == "md5sums" { told(substr($0, 35), substr($0, 1, 32)) }
            kind == "status" && $1 == "Package:" { name = $2 }
            kind == "status" && /^ \// { told(substr($1, 2), $2) } # a conffile'"'"'s
        '
}

# dpkg_scripts PATH: packages whose scripts name the path.
dpkg_scripts() {
    [ -d var/lib/dpkg/info ] || return 0
    find var/lib/dpkg/info -type f \( -name '*.preinst' -o -name '*.postinst' -o -name '*.config' \) -print0 |
        xargs -0 -r grep -lwF -e "$1" -- | sed -E 's,.*/,,; s,(:[a-z0-9-]+)?\.[a-z]+$,,' || true
}
