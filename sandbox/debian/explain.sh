# Sourced for functions that report why apt failed with `problem` (problem.sh). They read what apt itself wrote to its
# standard error. A mirror's words can be part of such a line, so each pattern is bound to the line's start, and where
# apt says what a mirror answered, only as the text of a problem.

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
    written=/run/in/written
    [ -e "$written" ] || written=/dev/null
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
    written=/run/in/written
    [ -e "$written" ] || written=/dev/null
    tab=$(printf '\t')
    verdicts "$1" "$2" "$3" "$written" > "$1.verdicts"
    while IFS=$tab read -r archive address kind fact remedy; do
        [ "$address" != - ] || address=
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
        problem "" "$2" "the archive $1: $3" "$4"
    fi
}

# `explain_packages ERRORS ANSWER SYSTEM BASE NAMES`: why `apt-get install` failed. ANSWER has its standard output, SYSTEM
# names the release, BASE the base profile or nothing, and NAMES has the names of all packages.
explain_packages() {
    unknown=$(sed -nE "s/^E: Unable to locate package ([a-z0-9][a-z0-9+.-]*)$/\1/p
        s/^E: Package '([a-z0-9][a-z0-9+.-]*)' has no installation candidate.*/\1/p" "$1" | sort -u)
    for name in $unknown; do
        problem packages "$name" "$3 has no package '$name'" "$(suggest "$name" "check the name and the release" < "$5")"
    done
    removed=$(awk '/^ / { if (own) for (i = 1; i <= NF; i++) printf "%s ", $i; next }
        { own = $0 == "The following packages will be REMOVED:" }' "$2")
    if [ ! "$unknown" ] && [ "$removed" ] && [ "$4" ]; then
        problem base "$4" "installing the packages would remove ${removed% } from the base '$4'" "choose another base"
    fi
}

# `written_address ADDRESS`: prints it as the user wrote it.
written_address() {
    printf '%s\n' "$1" > /run/work/address
    as_written /run/work/address
}

# `explain_fetch ERRORS WANTED REMEDY`: why packages could not be fetched. WANTED has lines of ADDRESS SHA256 NAME VERSION SIZE.
# The addresses of problems are from there: an archive can redirect a request, but the file's name stays.
explain_fetch() {
    failures "$1" > "$1.failures"
    awk '
        { file = $1; sub(/.*\//, "", file) }
        NR == FNR { wanted[file] = $1 " " $3 " " $4; next }
        file in wanted { reason = $0; sub(/^[^ ]+ /, "", reason); print wanted[file], reason }' "$2" "$1.failures" > "$1.wanted"
    gone=$(awk '/^[^ ]+ [^ ]+ [^ ]+ (404|Failed to stat)/ && !seen[$1]++ {
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
    [ ! "$found" ] || problem "" "$(written_address "${found%% *}")" "$(printf %s "$found" | cut -d ' ' -f 4-)" \
        "check the network and the mirror's address"
}
