# Sourced for functions that report why apt failed with `problem` (problem.sh). They read what apt itself wrote to its
# standard error. A mirror's words can be part of such a line, so each pattern is bound to the line's start, and where
# apt says what a mirror answered, only as the text of a problem.

# `failures ERRORS`: lines of ADDRESS REASON, of the files that could not be fetched. The address that apt adds is the proxy's.
failures() {
    sed -nE 's|^[EW]: Failed to fetch ([^ ]+) +(.*)|\1 \2|; T; s| \[IP: [^]]*\]$||; p' "$1"
}

# The last two are from the method copy:, and from the limit of fetch.sh.
altered='(Hash Sum mismatch|File has unexpected size|Undetermined Error|Error writing to file - write \(27:)'

# `unreachable ADDRESS REASON`
unreachable() {
    problem "" "$1" "$2" "check the network and the mirror's address"
}

# `update [OPTION …]`: runs `apt-get update`; if that fails, says why and ends the script. What apt complained of is in $errors.
update() {
    errors=/run/work/errors status=0
    apt-get update -o APT::Update::Error-Mode=any "$@" 2> "$errors" >&2 || status=$?
    cat "$errors" >&2
    if [ "$status" -ne 0 ]; then
        explain_update "$errors"
        exit 1
    fi
}

# `explain_update ERRORS`: why `apt-get update` failed.
explain_update() {
    # apt says of an index that was not sent that it is not signed.
    found=$(failures "$1" | grep -E "^[^ ]+ (403|5[0-9][0-9]) " | head -n 1)
    if [ "$found" ]; then
        unreachable "${found%% *}" "${found#* }"
        return
    fi
    if grep -qE "^[EW]: (GPG error: |OpenPGP signature verification failed: |The repository '[^']*' is not signed)" "$1"; then
        problem "" "" "a mirror's index is unsigned or signed by an unknown key, so it is refused"
        return
    fi
    found=$(sed -nE 's/^E: Release file for ([^ ]+) is expired \(invalid since ([^)]*)\)\..*/\1 \2/p' "$1" | head -n 1)
    if [ "$found" ]; then
        made=$(sed -n 's/^Date: //p' "$apt"/state/lists/partial/*InRelease | head -n 1)
        problem "" "${found%% *}" \
            "this index expired ${found#* } ago, so it is refused: the mirror is stale" \
            "use another mirror; for the archive as it was, write \`snapshot: $(date -u -d "$made" +%Y%m%dT%H%M%SZ)\`, and \
set DEBATE_MIRROR_DEBIAN_SNAPSHOT to a mirror of that time"
        return
    fi
    found=$(failures "$1" | grep -E "^[^ ]+ $altered" | head -n 1)
    if [ "$found" ]; then
        problem "" "${found%% *}" \
            "differs from the archive's signed index, so it is refused: altered, or the mirror is being updated" \
            "try again later, or use another mirror"
        return
    fi
    found=$(sed -nE "s/^E: The repository '([^ ']+ [^ ']+) (In)?Release' does not have a Release file.*/\1/p" "$1" | head -n 1)
    if [ "$found" ]; then
        problem "" "${found%% *}" "there is no archive with a suite '${found#* }'" "check the mirror's address and the release"
        return
    fi
    found=$(failures "$1" | head -n 1)
    [ ! "$found" ] || unreachable "${found%% *}" "${found#* }"
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
        problem "" "${gone%% *}" "${gone#* }" "$3"
        return
    fi
    found=$(grep -E "^[^ ]+ [^ ]+ [^ ]+ $altered" "$1.wanted" | head -n 1)
    if [ "$found" ]; then
        problem "" "${found%% *}" "does not match the SHA-256 in the lock, so it is refused" "$3"
        return
    fi
    found=$(head -n 1 "$1.wanted")
    [ ! "$found" ] || unreachable "${found%% *}" "$(printf %s "$found" | cut -d ' ' -f 4-)"
}
