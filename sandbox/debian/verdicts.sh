# Sourced for `verdicts ERRORS ANSWER SOURCES WRITTEN`: what is wrong with which archive, by what `apt-get update` wrote to
# its standard error and to its standard output. Prints one line for each archive, of five fields with tabs between them:
# archive or -, address or -, kind, fact, remedy. Kind is network for what the way to the mirror can be the cause of.
# SOURCES is from `sources` (indexes.sh). WRITTEN has lines of ARCHIVE ADDRESS ADDRESS: as apt has it, and as the user wrote it.
# A mirror's words can be part of a line, so each pattern is bound to the line's start, and where apt says what a mirror
# answered, it is only the text of a fact.
verdicts() {
    awk '
        function start(address) {
            sub(/:\/\/[^\/@]*@/, "://", address)
            sub(/\/*$/, "/", address)
            return address
        }
        function of_suite(address, suite) {
            address = start(address) " " suite
            return address in name ? name[address] : ""
        }
        function of_file(url,    key, word, found, longest) {
            for (key in name) {
                split(key, word, " ")
                if (index(url, word[1]) == 1 && length(word[1]) > longest) {
                    longest = length(word[1])
                    found = name[key]
                }
            }
            return found
        }
        # The address as the user wrote it, of one that begins as apt has it.
        function as_written(url, archive) {
            if (!(archive in outside) || index(url, inside[archive]) != 1) return url
            return outside[archive] substr(url, length(inside[archive]) + 1)
        }
        function variable(archive) {
            gsub(/-/, "_", archive)
            return "DEBATE_MIRROR_" toupper(archive)
        }
        function tell(archive, address, kind, fact, remedy) {
            told = 1
            if (kind != "network") sub(/\/dists\/[^ ]*Release$/, "", address)
            if (seen[archive == "" ? address : archive]++) return
            if (archive != "" && kind == "network") remedy = remedy ", or set " variable(archive) " to another mirror"
            print (archive == "" ? "-" : archive) "\t" (address == "" ? "-" : as_written(address, archive)) "\t" \
                kind "\t" fact "\t" remedy
        }
        function of_signature(archive, address, said,    key, when) {
            key = said
            if (!sub(/.*(Missing key|NO_PUBKEY|Signing key on|EXPKEYSIG|REVKEYSIG) /, "", key)) key = ""
            sub(/[^0-9A-F].*/, "", key)
            when = said
            sub(/.*(Expired on|Not live until) /, "", when)
            sub(/T.*/, "", when)
            if (said ~ /Missing key|NO_PUBKEY/)
                tell(archive, address, "key", "its index is signed by the key " key ", which is none of its keys", ask)
            else if (said ~ /Message has been manipulated|BADSIG/)
                tell(archive, address, "mirror", "its index was altered after it was signed", other)
            else if (said ~ /not live.*Expired on|EXPKEYSIG/)
                tell(archive, address, "key", "its key " key " expired on " when, ask)
            else if (said ~ /revoked|REVKEYSIG/)
                tell(archive, address, "key", "its key " key " is revoked", ask)
            else if (said ~ /Signing key on .* (bound|bad).*SHA1/)
                tell(archive, address, "key", "its key " key " is bound by SHA-1, which is not secure", ask)
            else if (said ~ /SHA1|weak digest/)
                tell(archive, address, "mirror", "its index is signed with SHA-1, which is not secure", \
                    "ask those who run it to sign with SHA-256 or better")
            else if (said ~ /Expired on|EXPSIG/)
                tell(archive, address, "mirror", "the signature of its index expired on " when, stale)
            else if (said ~ /Not live until/)
                tell(archive, address, "mirror", "the signature of its index is from the future: " when, clock)
            else if (said ~ /NOSPLIT|NODATA|Splitting up|unsupported/)
                tell(archive, address, "mirror", unsigned, login)
            else if (said ~ /Failed to parse keyring|Malformed/)
                tell(archive, address, "key", "its key cannot be read", ask)
            else {
                sub(/.*error message is: +/, "", said)
                tell(archive, address, "mirror", "the signature of its index is refused: " said, other)
            }
        }
        function of_answer(archive, url, said,    at) {
            said_of[said]
            at = "check the network and the mirror\047s address"
            if (said ~ /^(Hash Sum mismatch|File has unexpected size|Undetermined Error|Error writing to file - write \(27:)/)
                tell(archive, url, "mirror", "differs from the archive\047s signed index, so it is refused: altered, or " \
                    "the mirror is being updated", again)
            else if (said ~ /^(404|410|File not found|Failed to stat)/ && url !~ /\/(InRelease|Release)$/)
                tell(archive, url, "mirror", "the signed index names this, and the mirror does not have it: it is being " \
                    "updated", again)
            else if (said ~ /^Clearsigned file isn\047t valid/)
                tell(archive, url, "mirror", unsigned, login)
            else if (said ~ /^401 /)
                tell(archive, url, "network", said ": the mirror wants a user and a password", \
                    "put them into its address in the settings: https://USER:PASSWORD@HOST/")
            else if (said ~ /^407 /)
                tell(archive, url, "network", said ": a proxy wants a user and a password", \
                    "put them into the address of this host\047s proxy")
            else if (said ~ /^(429|5[0-9][0-9]) /)
                tell(archive, url, "network", said, at ", try again later")
            else if (said ~ /^(SSL connection failed|.*certificate)/)
                tell(archive, url, "network", said, at "; its certificate must be valid, by an authority that this host trusts")
            else
                tell(archive, url, "network", said, at)
        }
        BEGIN {
            ask = "get the present key from those who run the archive, and check it"
            other = "use another mirror, and tell those who run this one"
            again = "try again later, or use another mirror"
            stale = "use another mirror: this one is out of date"
            before = "; for the archive as it was, write `snapshot:` into the profile, and set the address of dated mirrors"
            clock = "check the clock of this host, or use another mirror"
            unsigned = "its index is not signed, so it is refused"
            login = "check the address: a page to log in, or another web page, may answer for it"
        }
        FILENAME == ARGV[1] { name[start($2) " " $3] = $1; next }
        FILENAME == ARGV[2] { inside[$1] = $2; outside[$1] = $3; next }
        FILENAME == ARGV[3] {
            # Err:2 ADDRESS SUITE Release, and the reason in the next line.
            if (erring) { sub(/^ +/, ""); sub(/ \[IP: [^]]*\]$/, ""); reason[erring] = $0 }
            if ($0 ~ /^(Get|Hit|Ign|Err):[0-9]+ [^ ]+ [^ ]+ (In)?Release( \[|$)/) met[start($2) " " $3]
            erring = $0 ~ /^Err:[0-9]+ [^ ]+ [^ ]+ (In)?Release$/ ? start($2) " " $3 : ""
            next
        }
        { line = $0; sub(/ \[IP: [^]]*\]$/, "", line) }
        line ~ /^[EW]: Failed to fetch [^ ]+ / {
            url = $5
            sub(/:\/\/[^\/@]*@/, "://", url) # apt tells passwords here.
            sub(/^[EW]: Failed to fetch [^ ]+ +/, "", line)
            of_answer(of_file(url), url, line)
            next
        }
        line ~ /^[EW]: (GPG error|OpenPGP signature verification failed): [^ ]+ [^ ]+ (In)?Release: / {
            sub(/^[EW]: (GPG error|OpenPGP signature verification failed): /, "", line)
            split(line, word, " ")
            sub(/^[^ ]+ [^ ]+ (In)?Release: /, "", line)
            of_signature(of_suite(word[1], word[2]), word[1], line)
            next
        }
        line ~ /^E: Release file for [^ ]+ is (not valid yet|expired) \(/ {
            url = $5
            since = line
            sub(/^[^(]*\(invalid (since|for another) /, "", since)
            sub(/\).*/, "", since)
            if (line ~ /^E: Release file for [^ ]+ is expired/)
                tell(of_file(url), url, "mirror", "its index is past its Valid-Until, since " since, stale before)
            else tell(of_file(url), url, "mirror", "its index is from the future, by " since, clock)
            next
        }
        line ~ /^E: The repository \047[^ \047]+ [^ \047]+ (In)?Release\047 / {
            address = $4
            sub(/^\047/, "", address)
            archive = of_suite(address, $5)
            why = reason[start(address) " " $5]
            if (line ~ /does not have a Release file/ && why !~ /^(404|410|File not found|Failed to stat|$)/)
                of_answer(archive, address, why)
            else if (line ~ /does not have a Release file/)
                tell(archive, address, "suite", "there is no archive with a suite \047" $5 "\047", \
                    "check the mirror\047s address and the release")
            else if (line ~ /provides only weak security information/)
                tell(archive, address, "mirror", "its index has no SHA-256 of its files, so it is refused", other)
            else unexplained[address] = archive # The reason may follow.
            next
        }
        # From `other_suites` (indexes.sh).
        line ~ /^E: Conflicting distribution: [^ ]+ [^ ]+ Release \(it is of / {
            names = line
            sub(/^[^(]*\(it is of /, "", names)
            sub(/\)$/, "", names)
            tell(of_suite($4, $5), $4, "mirror", "what it has as suite " $5 " is signed as " \
                (names == "-" ? "that of none" : "that of " names) ", so it is refused", other)
            next
        }
        line ~ /^E: Conflicting values set for option Signed-By regarding source / {
            tell(of_suite($10, substr($11, 1, length($11) - 1)), $10, "key", \
                "another repository has this address and suite, and another key", "make them one repository")
            next
        }
        line ~ /^E: / && !rest { rest = substr(line, 4) }
        END {
            # What may be over in a moment, apt tells on standard error only if all else is well. For an index that another
            # server was to send, it has the address there alone.
            for (one in name) if (!(one in met) && !seen[name[one]]) { led = one; count++ }
            for (one in reason) if (reason[one] != "") {
                of = one in name ? one : count == 1 ? led : ""
                split(of == "" ? one : of, word, " ")
                if (of == "" ? !(reason[one] in said_of) : !seen[name[of]])
                    of_answer(name[of], word[1] "dists/" word[2] "/InRelease", reason[one])
            }
            for (address in unexplained) tell(unexplained[address], address, "mirror", unsigned, other)
            if (!told && rest) tell("", "", "mirror", rest, "see the log")
        }
    ' "$3" "$4" "$2" "$1"
}
