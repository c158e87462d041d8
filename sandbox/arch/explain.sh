# Sourced for functions that report why pacman failed with `problem` (problem.sh). They read what pacman itself wrote to
# its standard error. A mirror's words can be part of such a line, so each pattern is bound to the line's start.

# `server REPOSITORY REPOSITORIES ARCHITECTURE`: prints the address of a repository: pacman names at most its host.
server() {
    REPOSITORY=$1 ARCHITECTURE=$3 awk '
        /^\[/ { own = $0 == "[" ENVIRON["REPOSITORY"] "]" }
        own && /^Server = / {
            gsub(/[$]repo/, ENVIRON["REPOSITORY"])
            gsub(/[$]arch/, ENVIRON["ARCHITECTURE"])
            print $3
            exit
        }' "$2"
}

# `setting REPOSITORY`: the variable for the address of a repository. Those of the profile have keys of their own.
setting() {
    archive=$1
    [ -e "/run/in/keys/$1" ] || archive=$(cat /run/in/system 2> /dev/null || echo arch)
    echo "DEBATE_MIRROR_$(printf %s "$archive" | tr a-z- A-Z_)"
}

# `remedy REASON REPOSITORY`: what to do about a file that could not be fetched, by the words of curl.
remedy() {
    other=", or set $(setting "$2") to another mirror"
    case $1 in
    'The requested URL returned error: 401'*) echo "the mirror wants a user and a password: put them into $(setting "$2"), as in https://USER:PASSWORD@HOST/" ;;
    'The requested URL returned error: 407'*) echo "a proxy wants a user and a password: put them into the address of this host's proxy" ;;
    'The requested URL returned error: 404'* | 'The requested URL returned error: 410'* | "Couldn't open file"*)
        echo "check the address and the repository's name: the directory must have $2.db$other"
        ;;
    'The requested URL returned error: 429'* | 'The requested URL returned error: 5'[0-9][0-9]*) echo "try again later$other" ;;
    *SSL* | *TLS* | *ertificate*) echo "the mirror's certificate must be valid, by an authority that this host trusts$other" ;;
    *'resolve host'* | *'esolving '*) echo "check the spelling of its host, and how this host looks up names$other" ;;
    *'timed out'* | *'too slow'*) echo "check the network, try again later$other" ;;
    *) echo "check the network and the mirror's address$other" ;;
    esac
}

# `explain_sync ERRORS REPOSITORIES ARCHITECTURE`: why the databases could not be fetched. REPOSITORIES: sections of
# pacman.conf. The builder tells the archive of an address.
explain_sync() {
    ask="get the present key from those who run the archive, and check it"
    sed -nE 's/^error: ([A-Za-z0-9@._+-]+): (signature from .* is (unknown|marginal|invalid|disabled)|missing required signature|key ".*" is disabled).*/\1 \2/p' \
        "$1" | sort -u > "$1.signed"
    while read -r repository said; do
        address=$(server "$repository" "$2" "$3")
        case $said in
        *' is invalid') problem "" "$address" "its database was altered after it was signed" "use another mirror, and tell those who run this one" ;;
        missing*) problem "" "$address" "its database is not signed, so it is refused" "use another mirror" ;;
        *disabled) problem "" "$address" "the key that signed its database is disabled" "$ask" ;;
        *) problem "" "$address" "its database is signed by an unknown key, so it is refused" "$ask" ;;
        esac
    done < "$1.signed"
    [ ! -s "$1.signed" ] || return 0
    if grep -qE '^error: .*invalid or corrupted database \(PGP signature\)' "$1"; then
        problem "" "" "a mirror's database is signed by an unknown key, so it is refused" "$ask"
        return
    fi
    found=$(sed -nE 's/^error: ([A-Za-z0-9@._+-]+): (key "?([^"]*)"?|signature from "([^"]*)") is expired.*/\1 \3\4/p' "$1" | head -n 1)
    if [ "$found" ]; then
        problem "" "$(server "${found%% *}" "$2" "$3")" "the key of ${found#* } has expired" "refresh the keyring"
        return
    fi
    sed -nE "s/^error: failed retrieving file '([^' ]*)' from ([^ ]+) : (.*)/\1 \2 \3/p" "$1" |
        awk '{ name = $1; sub(/\.db.*/, "", name) } !seen[name]++' > "$1.failed"
    while read -r file host reason; do
        repository=${file%%.db*}
        address=$(server "$repository" "$2" "$3") said=$reason
        [ "$address" ] || said="$file from $host: $reason"
        problem "" "${address:+$address/$file}" "$said" "$(remedy "$reason" "$repository")"
    done < "$1.failed"
    [ ! -s "$1.failed" ] || return 0
    said=$(sed -n 's/^error: //p' "$1" | head -n 1)
    [ ! "$said" ] || problem "" "" "pacman could not fetch the databases: $said" "see the log"
}

# `require_database FILE REPOSITORY REPOSITORIES ARCHITECTURE`: checks that what was fetched is one, as pacman does not.
require_database() {
    tar -tf "$1" > /dev/null 2>&1 ||
        problem "" "$(server "$2" "$3" "$4")/$2.db" "it is no database of pacman" \
            "check the address: a page to log in, or another web page, may answer for it"
}

# `explain_names PACKAGES DATABASES SYSTEM`: what of PACKAGES, lines of NAME or NAME=VERSION, no repository has, where pacman would
# take something else. DATABASES has the entries of all of them. SYSTEM names the distribution.
explain_names() {
    awk -v RS= -F '\n' -v OFS='\t' '
        function add(list, one) { return list == "" ? one : index(", " list ", ", ", " one ", ") ? list : list ", " one }
        FILENAME == ARGV[1] {
            for (n = 1; n <= NF; n++) { name = $n; sub(/=.*/, "", name); word[++count] = $n; names[count] = name; asked[name] }
            next
        }
        $1 == "%NAME%" { name = $2 }
        $1 == "%VERSION%" && name in asked { version[name "=" $2]; there[name] = add(there[name], $2) }
        $1 == "%GROUPS%" { for (n = 2; n <= NF; n++) if ($n in asked) group[$n] = add(group[$n], name) }
        $1 == "%PROVIDES%" {
            for (n = 2; n <= NF; n++) { sub(/[<>=].*/, "", $n); if ($n in asked) by[$n] = add(by[$n], name) }
        }
        END {
            for (n = 1; n <= count; n++) {
                name = names[n]
                if (name in there && (word[n] == name || word[n] in version)) continue
                if (name in there) print "version", word[n], there[name]
                else if (name in group) print "group", name, group[name]
                else if (name in by) print "virtual", name, by[name]
                else print "unknown", name, "-"
            }
        }' "$1" "$2" > "$2.unanswered"
    [ -s "$2.unanswered" ] || return 0
    awk -v RS= -F '\n' '$1 == "%NAME%" { print $2 }' "$2" > "$2.names"
    tab=$(printf '\t')
    while IFS=$tab read -r kind name there; do
        case $kind in
        version)
            problem packages "$name" "$3 has no version ${name#*=} of ${name%%=*}, but $there" \
                "choose one that it has, or use a dated mirror (snapshot)"
            ;;
        group)
            problem packages "$name" "$3 has no package '$name': the name is a group's, of $there" "name those that are wanted"
            ;;
        virtual)
            problem packages "$name" "$3 has no package '$name': the name is virtual, provided by $there" "name one of them"
            ;;
        *)
            problem packages "$name" "$3 has no package '$name'" \
                "$(suggest "$name" "check the name and the repositories" < "$2.names")"
            ;;
        esac
    done < "$2.unanswered"
}

# `explain_conflicts RESOLVED PACKAGES DATABASES BELOW BASE`: packages that conflict, which pacman notices only when it installs them.
# RESOLVED has lines of NAME VERSION and more; BELOW has the entries of the base's packages, and BASE its name, or nothing.
explain_conflicts() {
    awk -v RS= -v OFS='\t' -F '\n' '
        function offer(what, version) { offers[what] = offers[what] " " name "/" version }
        FILENAME == ARGV[1] { for (n = 1; n <= NF; n++) { split($n, word, " "); chosen[word[1] " " word[2]] } next }
        $1 == "%NAME%" { name = $2; own = 0 }
        $1 == "%VERSION%" && (FILENAME == ARGV[3] || (name " " $2) in chosen) { own = 1; offer(name, $2) }
        !own { next }
        $1 == "%PROVIDES%" { for (n = 2; n <= NF; n++) { split($n, word, "="); offer(word[1], word[2]) } }
        $1 == "%CONFLICTS%" { for (n = 2; n <= NF; n++) { against[++count] = $n; whose[count] = name } }
        END {
            for (n = 1; n <= count; n++) {
                what = against[n]
                sub(/[<>=].*/, "", what)
                for (m = split(offers[what], each, " "); m; m--) {
                    split(each[m], word, "/")
                    if (word[1] == whose[n] || (what != against[n] && word[2] == "")) continue
                    print whose[n], word[1], against[n], what, word[2] ~ /-/ ? word[2] : word[2] "-1"
                }
            }
        }' "$1" "$3" "$4" > "$1.conflicts"
    tab=$(printf '\t')
    while IFS=$tab read -r one other against what version; do
        if [ "$against" != "$what" ]; then
            # pacman compares versions, in a system with nothing but this one.
            rm -rf "$1.db"
            mkdir -p "$1.db/local/$what-$version"
            printf '%%NAME%%\n%s\n\n%%VERSION%%\n%s\n\n' "$what" "$version" > "$1.db/local/$what-$version/desc"
            echo 9 > "$1.db/local/ALPM_DB_VERSION"
            pacman --config /dev/null --dbpath "$1.db" -T "$against" > /dev/null || continue
        fi
        said="$one conflicts with $against" remedy="leave one of them out"
        [ "$against" = "$other" ] || said="$said, which $other is"
        if grep -qxF -e "$other" -e "$one" "$4.names" 2> /dev/null; then
            said="$said, and the base $5 has one of them" remedy="leave it out, or choose another base"
        fi
        value=
        for name in "$one" "$other"; do
            if sed 's/=.*//' "$2" | grep -qxF -e "$name"; then value=$name; fi
        done
        problem packages "$value" "$said" "$remedy"
    done < "$1.conflicts"
}

# `explain_packages ANSWER PACKAGES DATABASES BASE`: why no set of packages has all of PACKAGES. What pacman says of it:
#   :: unable to satisfy dependency 'libcurl=8' required by curl
#   :: installing glibc (2-1) breaks dependency 'glibc=1' required by locales
# BASE names the base profile, or nothing.
explain_packages() {
    awk -v RS= -F '\n' '$1 == "%NAME%" { name = $2 } $1 == "%VERSION%" { print name, $2 }' "$3" > "$1.versions"
    awk -v OFS='\t' '
        FILENAME == ARGV[1] { sub(/=.*/, ""); asked[$0]; next }
        FILENAME == ARGV[2] {
            split($0, quoted, "\047")
            name = $NF
            if ($0 ~ /^:: unable to satisfy dependency \047[^\047]*\047 required by [^ ]+$/) {
                said = said (said == "" ? "" : ", ") name " needs " quoted[2]
                needed = quoted[2]
                sub(/[<>=].*/, "", needed)
                target[needed]
                lacking[name]
                if (name in asked) order[++count] = name
            } else if ($0 ~ /^:: installing [^ ]+ \([^ ]+\) breaks dependency \047[^\047]*\047 required by [^ ]+$/)
                changed = changed (changed == "" ? "" : ", ") name " needs " quoted[2] ", which " $3 " " $4 " is not"
            next
        }
        $1 in target && !($1 in lacking) { there[$1] = there[$1] (there[$1] == "" ? "" : " and ") $2 }
        END {
            for (name in target) if (!(name in lacking))
                said = said (name in there ? ", and there is " name " " there[name] : ", and there is no package " name)
            if (said != "" && !count) print "packages", "-", said
            for (n = 1; n <= count; n++) print "packages", order[n], order[n] " cannot be installed: " said
            if (changed != "") print "base", "-", changed
        }' "$2" "$1" "$1.versions" > "$1.why"
    tab=$(printf '\t')
    while IFS=$tab read -r field name said; do
        case $field in
        packages) problem packages "${name#-}" "$said" "leave it out, or name a repository that has what it needs" ;;
        base) problem base "$4" "$said" "refresh the base's lock with doit lock:$4" ;;
        esac
    done < "$1.why"
}
