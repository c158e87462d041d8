# Sourced for `suggest NAME REMEDY`: prints `did you mean A or B?` with up to three of the names on standard input, those
# most like NAME, or REMEDY if none is similar. Similarity is twice the length of the longest common subsequence,
# divided by the sum of both lengths; names with another first letter are not compared, for there can be many.
suggest() {
    NAME=$1 REMEDY=$2 awk '
        function common(a, b,    i, j, n, m, diagonal, above, row) {
            n = length(a); m = length(b)
            for (i = 1; i <= n; i++) {
                diagonal = 0
                for (j = 1; j <= m; j++) {
                    above = row[j] + 0
                    if (substr(a, i, 1) == substr(b, j, 1)) row[j] = diagonal + 1
                    else if (row[j - 1] + 0 > above) row[j] = row[j - 1]
                    else row[j] = above
                    diagonal = above
                }
            }
            return row[m] + 0
        }
        function similarity(a, b,    sum, least) {
            sum = length(a) + length(b)
            least = length(a) < length(b) ? length(a) : length(b)
            return 2 * least / sum < 0.75 ? 0 : 2 * common(a, b) / sum
        }
        BEGIN { name = ENVIRON["NAME"] }
        $1 != name && substr($1, 1, 1) == substr(name, 1, 1) && !seen[$1]++ {
            value = similarity(name, $1)
            if (value < 0.75) next
            for (place = count < 3 ? ++count : 3; place > 1 && values[place - 1] < value; place--) {
                values[place] = values[place - 1]
                names[place] = names[place - 1]
            }
            if (place < 3 || values[3] < value) {
                values[place] = value
                names[place] = $1
            }
        }
        END {
            for (place = 1; place <= count; place++) found = found (place > 1 ? " or " : "") names[place]
            print count ? "did you mean " found "?" : ENVIRON["REMEDY"]
        }'
}
