# Sourced for `verdicts WANTED DIRECTORY`. DIRECTORY has for the SHA-256 of each package in WANTED (see prove.sh) what gpg wrote
# to its status descriptor, and nothing else. Prints name, version and reason, tab-separated, of those without exactly one
# signature, of their bytes and nothing else, by a key that is trusted and neither expired nor revoked.
# Source: doc/DETAILS of GnuPG.
verdicts() (
    cd "$2"
    awk '
        FILENAME == ARGV[1] { wanted[++count] = $0; next }
        $1 != "[GNUPG:]" { other[FILENAME]++; next }
        { said[FILENAME, $2]++ }
        $2 == "VALIDSIG" { class[FILENAME] = $11 }
        function has(word) { return said[file, word] + 0 }
        END {
            for (n = 1; n <= count; n++) {
                split(wanted[n], field, "\t")
                file = field[7]
                if (has("BADSIG")) reason = "the package or its signature is altered"
                else if (has("EXPKEYSIG")) reason = "the key that signed it has expired"
                else if (has("REVKEYSIG")) reason = "the key that signed it is revoked"
                else if (has("NEWSIG") == 1 && has("GOODSIG") == 1 && has("VALIDSIG") == 1 && class[file] == "00" &&
                    has("TRUST_FULLY") + has("TRUST_ULTIMATE") == 1 && !has("ERRSIG") && !has("EXPSIG") &&
                    !has("NODATA") && !has("ERROR") && !has("FAILURE") && !other[file]) continue
                else reason = "it has no good signature of a key of the archive " field[1]
                print field[2] "\t" field[3] "\t" reason
            }
        }' "$1" *
)
