# Sourced for functions that report why apt failed with `problem` (problem.sh). They read what apt itself wrote to its
# standard error. A mirror's words can be part of such a line, so each pattern is bound to the line's start, and where
# apt says what a mirror answered, only as the text of a problem.

tab=$(printf '\t')
written=/run/in/written
[ -e "$written" ] || written=/dev/null

# `failures ERRORS`: lines of ADDRESS REASON, of the files that could not be fetched. The address that apt adds is the proxy's.
failures() {
    sed -nE 's|^[EW]: Failed to fetch ([^ ]+) +(.*)|\1 \2|; T; s| \[IP: [^]]*\]$||; p' "$1"
}

# The last two are from the method copy:, and from the limit of fetch.sh.
altered='(Hash Sum mismatch|File has unexpected size|Undetermined Error|Error writing to file - write \(27:)'

# `update ARCHIVES [OPTION …]`: runs `apt-get update`; if that fails, says why and ends the script. ARCHIVES has the archive
# of each line of sources.list. What apt complained of is in $errors.
update() {
    errors=/run/work/errors status=0
    sources "$1" > "$apt/sources"
    shift
    apt-get update -o APT::Update::Error-Mode=any "$@" 2> "$errors" > /run/work/answer || status=$?
    as_written /run/work/answer >&2
    as_written "$errors" >&2
    if [ "$status" -ne 0 ]; then
        explain_update "$errors" /run/work/answer "$apt/sources"
        exit 1
    fi
}

# `as_written FILE`: prints the file with the addresses that the user wrote, for those that a sandbox has.
as_written() {
    awk '
        FILENAME == ARGV[1] { if ($2 != $3) { inside[++count] = $2; outside[count] = $3 }; next }
        {
            for (n = 1; n <= count; n++) {
                done = ""
                while (at = index($0, inside[n])) {
                    after = substr($0, at + length(inside[n]))
                    done = done substr($0, 1, at - 1) (after ~ /^[a-z0-9-]/ ? inside[n] : outside[n])
                    $0 = after
                }
                $0 = done $0
            }
            print
        }' "$written" "$1"
}

# `explain_update ERRORS ANSWER SOURCES`: why `apt-get update` failed: see verdicts.sh.
explain_update() {
    verdicts "$1" "$2" "$3" "$written" > "$1.verdicts"
    while IFS=$tab read -r archive address kind fact remedy; do
        [ "$address" != - ] || address=
        # The builder tells the archive of an address, after what the proxy knows of it.
        if [ "$kind" = network ] || [ "$archive" = - ]; then
            problem "" "$address" "$fact" "$remedy"
        else
            complain "$archive" "$address" "$fact" "$remedy"
        fi
    done < "$1.verdicts"
}

# `complain ARCHIVE ADDRESS FACT REMEDY`: a problem with an archive: at its place in the profile, if it is a repository of that.
complain() {
    if [ -e "/run/in/keys/$1.gpg" ]; then
        problem repositories "$1" "$1, $2: $3" "$4"
    else
        problem "" "$2" "$3" "$4"
    fi
}

# `explain_names PACKAGES ENTRIES INDEXES NAMES SYSTEM`: what of PACKAGES, lines of NAME or NAME=VERSION, no archive has, where
# apt would take something else. ENTRIES and INDEXES are from indexes.sh, NAMES has the names of all packages, SYSTEM names
# the release.
explain_names() {
    awk -F '\t' '
        FILENAME == ARGV[1] { name = $0; sub(/=.*/, "", name); word[++count] = $0; names[count] = name; asked[name]; next }
        FILENAME == ARGV[2] { known[$1]; next }
        $2 in asked && !seen[$2, $3, $1]++ {
            version[$2 "=" $3]
            there[$2] = there[$2] (there[$2] == "" ? "" : ", ") $3 " (" $1 ")"
        }
        END {
            for (n = 1; n <= count; n++)
                if (!(names[n] in known)) print names[n] "\t-"
                else if (names[n] in there && word[n] != names[n] && !(word[n] in version)) print word[n] "\t" there[names[n]]
        }' "$1" "$4" "$2" > "$2.unanswered"
    [ -s "$2.unanswered" ] || return 0
    while IFS=$tab read -r name there; do
        if [ "$there" != - ]; then
            problem packages "$name" "$5 has no version ${name#*=} of ${name%%=*}, but $there" \
                "choose one that it has, or use a dated mirror (snapshot)"
            continue
        fi
        by=$(providers "$name" "$3")
        if [ "$by" ]; then
            problem packages "$name" "$5 has no package '$name': the name is virtual, provided by $by" "name one of them"
        else
            problem packages "$name" "$5 has no package '$name'" \
                "$(suggest "$name" "check the name and the release" < "$4")"
        fi
    done < "$2.unanswered"
}

# `providers NAME INDEXES`: the packages that provide NAME, at most ten, with commas between them.
providers() {
    providing "$@" | awk 'NR <= 10 { all = all (all == "" ? "" : ", ") $0 }
        END { print all (NR > 10 ? " and " NR - 10 " more" : "") }'
}

# `providing NAME INDEXES`: the packages that provide NAME, one a line.
providing() {
    while read -r _ _ file _; do
        NAME=$1 awk '
            $1 == "Package:" { package = $2 }
            $1 == "Provides:" {
                sub(/^Provides: */, "")
                for (n = split($0, each, / *, */); n; n--) {
                    sub(/[ (:].*/, "", each[n])
                    if (each[n] == ENVIRON["NAME"]) print package
                }
            }' "$file"
    done < "$2" | sort -u
}

# `explain_packages ERRORS PACKAGES INSTALLED ENTRIES BASE INDEXES`: why no set of packages has all of PACKAGES. What apt says
# of it:
#    1. curl:amd64=8 is selected for install
#    2. curl:amd64 Depends libcurl4 (= 8)
# INSTALLED is the index of the base's packages, which is named BASE, or empty.
explain_packages() {
    grep -qE '^E: (Unable to correct problems|Packages need to be removed|Held packages were changed)' "$1" || return 0
    sed -nE 's/^ *([0-9]+\.|-) [^ ]+ (Conflicts|Breaks) ([^ (:]+).*/\3/p' "$1" | sort -u | head -n 20 | while read -r name; do
        providing "$name" "$6" | while read -r by; do printf '%s %s\n' "$name" "$by"; done
    done > "$1.provided"
    BASE=$5 PROVIDED="$1.provided" awk '
        BEGIN {
            while ((getline line < ENVIRON["PROVIDED"]) > 0) {
                split(line, word, " ")
                provide[word[1]] = provide[word[1]] " " word[2]
            }
            split("Depends PreDepends Pre-Depends Recommends Conflicts Breaks Obsoletes", kinds, " ")
            split("depends on,pre-depends on,pre-depends on,recommends,conflicts with,breaks,obsoletes", words, ",")
            for (n in kinds) verb[kinds[n]] = words[n]
        }
        FILENAME == ARGV[1] { sub(/=.*/, ""); asked[$0]; next }
        FILENAME == ARGV[2] { if ($1 == "Package:") name = $2; if ($1 == "Version:") below[name] = $2; next }
        FILENAME == ARGV[3] {
            if (!/^ /) next
            sub(/^ *([0-9]+\.|-) /, "")
            name = $1
            sub(/[:=].*/, "", name)
            if (name in asked && !(name in involved)) { involved[name]; order[++count] = name }
            if (!($2 in verb) || seen[$0]++) next
            said = said (said == "" ? "" : ", ") name " " verb[$2]
            subject[name]
            needs = verb[$2] ~ / on$|recommends/
            sub(/^[^ ]+ [^ ]+/, "")
            said = said $0
            for (n = split($0, target, / *[|] */); n; n--) {
                sub(/^ */, "", target[n])
                sub(/[ (:].*/, "", target[n])
                if (target[n] == "" || (target[n] in about)) continue
                about[target[n]] = needs
                targets[++last] = target[n]
            }
            next
        }
        $2 in about && !known[$2, $3]++ { there[$2] = there[$2] (there[$2] == "" ? "" : " and ") $3 }
        END {
            for (n = 1; n <= last; n++) {
                name = targets[n]
                if (name in below) {
                    said = said ", and the base " ENVIRON["BASE"] " has " name " " below[name]
                    remedy = "leave it out, or choose another base"
                } else if (about[name]) {
                    if (!(name in subject))
                        said = said (name in there ? ", and there is " name " " there[name] : ", and there is no package " name)
                } else # It can be virtual.
                    for (k = split(provide[name], by, " "); k; k--) {
                        if (by[k] in subject) continue
                        if (by[k] in asked) {
                            said = said ", which " by[k] " is"
                            if (!(by[k] in involved)) { involved[by[k]]; order[++count] = by[k] }
                        } else if (by[k] in below) {
                            said = said ", which " by[k] " of the base " ENVIRON["BASE"] " is"
                            remedy = "leave it out, or choose another base"
                        }
                    }
            }
            if (remedy == "")
                remedy = count > 1 ? "leave one of them out" : "leave it out, or name a repository that has what it needs"
            if (said == "") { said = "apt found no way to install all of them"; remedy = "see the log for why" }
            if (!count) print "\t" said "\t" remedy
            for (n = 1; n <= count; n++) print order[n] "\t" order[n] " cannot be installed: " said "\t" remedy
        }' "$2" "$3" "$1" FS='\t' "$4" | while IFS= read -r line; do
        rest=${line#*"$tab"}
        problem packages "${line%%"$tab"*}" "${rest%"$tab"*}" "${rest##*"$tab"}"
    done
}

# `written_address ADDRESS`: prints it as the user wrote it.
written_address() {
    printf '%s\n' "$1" > /run/work/address
    as_written /run/work/address
}

# What a line of `unfetched` is like if a mirror no longer has the package. The second is from the method copy:.
lost='^[^ ]+ [^ ]+ [^ ]+ (404|Failed to stat)'

# `unfetched ERRORS WANTED`: writes lines of ADDRESS NAME VERSION REASON to ERRORS.wanted. WANTED is as for `explain_fetch`.
unfetched() {
    failures "$1" > "$1.failures"
    awk '
        { file = $1; sub(/.*\//, "", file) }
        NR == FNR { wanted[file] = $1 " " $3 " " $4; next }
        file in wanted { reason = $0; sub(/^[^ ]+ /, "", reason); print wanted[file], reason }' "$2" "$1.failures" > "$1.wanted"
}

# `explain_fetch ERRORS WANTED REMEDY`: why packages could not be fetched. WANTED has lines of ADDRESS SHA256 NAME VERSION SIZE.
# The addresses of problems are from there: an archive can redirect a request, but the file's name stays.
explain_fetch() {
    unfetched "$1" "$2"
    gone=$(awk -v lost="$lost" '$0 ~ lost && !seen[$1]++ {
            if (++count <= 5) names = names (count > 1 ? ", " : "") $2 " " $3
            if (count == 1) address = $1
        }
        END { if (count) print address " the mirror no longer has " names (count > 5 ? " and " count - 5 " more" : "") }' \
        "$1.wanted")
    if [ "$gone" ]; then
        problem "" "$(written_address "${gone%% *}")" "${gone#* }" "$3"
        return
    fi
    found=$(grep -E "^[^ ]+ [^ ]+ [^ ]+ $altered" "$1.wanted" | head -n 1)
    if [ "$found" ]; then
        problem "" "$(written_address "${found%% *}")" "does not match the SHA-256 in the lock, so it is refused" "$3"
        return
    fi
    found=$(head -n 1 "$1.wanted")
    [ "$found" ] || return 0
    reason=$(printf %s "$found" | cut -d ' ' -f 4-) remedy="check the network and the mirror's address"
    case $reason in
    '401 '*) remedy="the mirror wants a user and a password: put them into its address in the settings" ;;
    '407 '*) remedy="a proxy wants a user and a password: put them into the address of this host's proxy" ;;
    '429 '* | 5[0-9][0-9]' '*) remedy="$remedy, try again later" ;;
    'SSL connection failed'* | *certificate*) remedy="$remedy; its certificate must be valid, by an authority that this host trusts" ;;
    esac
    problem "" "$(written_address "${found%% *}")" "$reason" "$remedy"
}
