# Sourced for `explain_failed SAID ROOT`, which reports why packages could not be installed as they are. Needs `problem`.
# SAID is what pacman printed with colours: with those of errors it speaks itself, and between its lines scripts of packages
# print what they want. ROOT is in front of paths.
explain_failed() {
    ROOT=$2 awk -v OFS='\t' '
        function told(name, fact) { if (!seen[name, fact]++) print name, fact }
        function path(text) {
            return index(text, ENVIRON["ROOT"] "/") == 1 ? substr(text, length(ENVIRON["ROOT"]) + 1) : text
        }
        function shared(one, other, what) {
            if (!((one, other) in first)) { first[one, other] = what; pairs[++count] = one OFS other }
            more[one, other]++
        }
        { own = sub(/^(\033\[[0-9;]*m)+(error: |::)(\033\[[0-9;]*m)+/, ""); gsub(/\033\[[0-9;]*m/, "") }
        /^(re)?installing [^ ]+\.\.\.$/ { name = $2; sub(/\.\.\.$/, "", name); what = "a script of " name; next }
        /^\( *[0-9]+\/[0-9]+\) / { name = "-"; sub(/^[^)]*\) /, ""); sub(/\.\.\.$/, ""); what = "the pacman hook `" $0 "`"; next }
        own && /^command (failed to execute correctly|terminated by signal )/ {
            sub(/^command /, "")
            told(name == "" ? "-" : name, (what == "" ? "a script of a package" : what) " " \
                (/^terminated/ ? "was " $0 : "failed"))
            next
        }
        / exists in both \047[^\047]+\047 and \047[^\047]+\047$/ {
            split($0, quoted, "\047")
            sub(/ exists in both .*/, "")
            shared(quoted[2], quoted[4], path($0))
            next
        }
        /^[^ ]+: .* exists in filesystem( \(owned by [^ ]+\))?$/ {
            other = ""
            if (/\)$/) { other = $NF; sub(/\)$/, "", other) }
            name = $1
            sub(/:$/, "", name)
            sub(/^[^ ]+: /, "")
            sub(/ exists in filesystem.*/, "")
            shared(name, other, path($0))
            next
        }
        own && /^ ?[^ ]+ and [^ ]+ are in conflict/ { # The database of a lock does not tell pacman of conflicts.
            one = $1
            sub(/-[^-]*-[0-9.]+$/, "", one)
            told(one, $1 " and " $3 " are in conflict")
            next
        }
        own && /^failed to commit transaction \(conflicting files\)/ { conflicting = 1; next }
        own && !/^ / { rest = rest (rest == "" ? "" : "; ") $0 }
        END {
            for (n = 1; n <= count && conflicting; n++) {
                split(pairs[n], of, OFS)
                fact = (of[2] == "" ? of[1] " has " : of[1] " and " of[2] " both have ") first[of[1], of[2]]
                if (more[of[1], of[2]] > 1) fact = fact " and " more[of[1], of[2]] - 1 " more"
                told(of[1], of[2] == "" ? fact ", which is in the system already and of no package" : fact)
            }
            for (one in seen) exit
            if (rest != "") print "-", "pacman could not install the packages: " rest
        }' "$1" > "$1.why"
    tab=$(printf '\t')
    while IFS=$tab read -r name fact <&9; do
        case $fact in
        *" both have "* | *" are in conflict") remedy="leave one of them out" ;;
        *) remedy="see the log for what was printed before; leave the package out, or correct it" ;;
        esac
        problem packages "${name#-}" "$fact" "$remedy"
    done 9< "$1.why"
}
