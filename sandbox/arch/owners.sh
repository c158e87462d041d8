# Sourced in the root directory of a system or of a layer, for questions to its pacman database. It may have none.

# pacman_owners PATHS: of the paths in a file, those that a package has, as lines of PATH PACKAGE SHA256 with tabs
# between them. SHA256 is empty in the line for a package's list, which has directories, too.
pacman_owners() {
    [ -d var/lib/pacman/local ] || return 0
    sed 'p; s,$,/,' "$1" > "$1.pacman"
    find var/lib/pacman/local -mindepth 2 -maxdepth 2 -name files -type f -print0 |
        xargs -0 -r grep -lxF -f "$1.pacman" -- /dev/null | while read -r files <&9; do
        name=${files%/files} name=${name##*/}
        NAME=${name%-*-*} WANTED=$1 awk '
            BEGIN { while ((getline line < ENVIRON["WANTED"]) > 0) wanted[line] }
            { sub(/\/$/, "") }
            $0 in wanted { print $0 "\t" ENVIRON["NAME"] "\t" }' "$files"
        [ ! -f "${files%files}mtree" ] || gzip -dc "${files%files}mtree" | NAME=${name%-*-*} WANTED=$1 awk '
            function decoded(path,    octal) {
                while (match(path, /\\[0-7][0-7][0-7]/)) {
                    octal = substr(path, RSTART + 1, 3)
                    octal = substr(octal, 1, 1) * 64 + substr(octal, 2, 1) * 8 + substr(octal, 3, 1)
                    path = substr(path, 1, RSTART - 1) sprintf("%c", octal) substr(path, RSTART + 4)
                }
                return path
            }
            BEGIN { while ((getline line < ENVIRON["WANTED"]) > 0) wanted[line] }
            match($0, / sha256digest=[0-9a-f]+/) {
                sha256 = substr($0, RSTART + 14, RLENGTH - 14)
                path = decoded(substr($1, 3))
                if (path in wanted) print path "\t" ENVIRON["NAME"] "\t" sha256
            }'
    done 9<&0 < /dev/null
}

# pacman_scripts PATH: packages whose scripts name the path.
pacman_scripts() {
    [ -d var/lib/pacman/local ] || return 0
    find var/lib/pacman/local -mindepth 2 -maxdepth 2 -name install -type f -print0 |
        xargs -0 -r grep -lwF -e "$1" -- | sed -E 's,/install$,,; s,.*/,,; s,(-[^-]*){2}$,,' || true
}
