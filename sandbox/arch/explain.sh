# Sourced for functions that report why pacman failed with `problem` (problem.sh). They read what pacman itself wrote to
# its standard error. A mirror's words can be part of such a line, so each pattern is bound to the line's start.

# `explain_sync ERRORS REPOSITORIES ARCHITECTURE`: why the databases could not be fetched. REPOSITORIES: sections of
# pacman.conf.
explain_sync() {
    if grep -qE '^error: .*(invalid or corrupted database \(PGP signature\)|signature from .* is (unknown|marginal) trust)' "$1"
    then
        problem "" "" "a mirror's database is signed by an unknown key, so it is refused"
        return
    fi
    owner=$(sed -nE 's/^error: .*(key "?([^"]*)"?|signature from "([^"]*)") is expired.*/\2\3/p' "$1" | head -n 1)
    if [ "$owner" ]; then
        problem "" "" "the key of $owner has expired" "refresh the keyring"
        return
    fi
    found=$(sed -nE "s/^error: failed retrieving file '([^' ]*)' from ([^ ]+) : (.*)/\1 \2 \3/p" "$1" | head -n 1)
    if [ "$found" ]; then
        file=${found%% *} reason=${found#* }
        # pacman names only the host, so the address is that of the repository.
        server=$(REPOSITORY=${file%%.db*} ARCHITECTURE=$3 awk '
            /^\[/ { own = $0 == "[" ENVIRON["REPOSITORY"] "]" }
            own && /^Server = / {
                gsub(/[$]repo/, ENVIRON["REPOSITORY"])
                gsub(/[$]arch/, ENVIRON["ARCHITECTURE"])
                print $3
                exit
            }' "$2")
        if [ "$server" ]; then
            problem "" "$server/$file" "${reason#* }" "check the network and the mirror's address"
        else
            problem "" "" "$file from ${reason%% *}: ${reason#* }" "check the network and the mirror's address"
        fi
    fi
}

# `explain_packages ERRORS SYSTEM NAMES`: why the packages could not be resolved. SYSTEM names the distribution, NAMES has
# the names of all packages.
explain_packages() {
    sed -nE 's/^error: target not found: ([^ ]+)$/\1/p' "$1" | sort -u > "$1.unknown"
    while read -r name; do
        problem packages "$name" "$2 has no package '$name'" "$(suggest "$name" "check the name and the repositories" < "$3")"
    done < "$1.unknown"
}
