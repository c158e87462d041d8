#!/bin/sh
# Resolves a package list against the mirrors' databases.
# in: those of pacman.sh; packages, installed (index of the base's packages)
#     suites (lines of ARCHIVE REPOSITORY)
#     for messages: system (the distribution), base (the base's name, or empty)
# out: resolved (tab-separated: name, version, repository, location, size, SHA-256, signature in base64,
#      bytes when installed, other repositories that have a package of this name with commas between them)
#      archives (lines of archive, repository and the date of its newest entry, or of its file)
set -eu
. /run/step/suggest.sh
. /run/step/arch/pacman.sh
. /run/step/arch/explain.sh
keyring >&2

# newest: prints the newest date in a listing of tar.
newest() {
    awk 'match($0, /[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9] [0-9][0-9]:[0-9][0-9]:[0-9][0-9]/) {
            date = substr($0, RSTART, 10) "T" substr($0, RSTART + 11, 8) "Z"
            if (date > last) last = date
        }
        END { print last }'
}

errors=/run/work/errors status=0
ask -Sy 2> "$errors" >&2 || status=$?
cat "$errors" >&2
if [ "$status" -ne 0 ]; then
    explain_sync "$errors" /run/in/repositories "$(cat /run/in/architecture)"
    exit 1
fi
for database in "$pacman"/db/sync/*.db; do
    require_database "$database" "$(basename "$database" .db)" /run/in/repositories "$(cat /run/in/architecture)"
done
stop_on_problems
for database in "$pacman"/db/sync/*.db; do
    printf '%%REPOSITORY%%\n%s\n\n' "$(basename "$database" .db)"
    tar -xOf "$database"
    echo
done > /run/work/databases
while read -r archive repository; do
    database=$pacman/db/sync/$repository.db
    date=$(tar --utc --full-time -tvf "$database" | newest)
    echo "$archive $repository ${date:-$(date -u -r "$database" +%Y-%m-%dT%H:%M:%SZ)}"
done < /run/in/suites > /run/out/archives
explain_names /run/in/packages /run/work/databases "$(cat /run/in/system)"
stop_on_problems
: > /run/work/below
if [ -s /run/in/installed ]; then
    tar -xf /run/in/installed -C "$pacman/db/local"
    for directory in "$pacman"/db/local/*/; do
        touch "${directory}files"
        cat "${directory}desc"
        echo
    done > /run/work/below
    sed -n '/^%NAME%$/{n;p}' /run/work/below > /run/work/below.names
    echo 9 > "$pacman/db/local/ALPM_DB_VERSION"
fi
if [ ! -s /run/in/packages ]; then
    : > /run/out/resolved
    exit
fi
if ! xargs -a /run/in/packages pacman --config "$pacman/pacman.conf" --noconfirm --color never \
    -Sp --print-format '%n %v %r %l %s' > /run/work/resolved 2> "$errors"; then
    cat /run/work/resolved "$errors" >&2
    explain_packages /run/work/resolved /run/in/packages /run/work/databases "$(cat /run/in/base)"
    stop_on_problems
    explain_sync "$errors" /run/in/repositories "$(cat /run/in/architecture)"
    exit 1
fi
explain_conflicts /run/work/resolved /run/in/packages /run/work/databases /run/work/below "$(cat /run/in/base)"
stop_on_problems

# pacman does not print the SHA-256, which is in the database. The signature may be there, too.
awk -v RS= -F '\n' '
    function flush() {
        if (file != "") print repository "/" file "\t" sha256 "\t" signature "\t" installed
        file = sha256 = installed = ""
        signature = "-"
    }
    $1 == "%REPOSITORY%" { flush(); repository = $2 }
    $1 == "%FILENAME%" { flush(); file = $2 }
    $1 == "%SHA256SUM%" { sha256 = $2 }
    $1 == "%PGPSIG%" { signature = $2 }
    $1 == "%ISIZE%" { installed = $2 }
    END { flush() }' /run/work/databases > /run/work/sums
awk -v RS= -F '\n' '
    $1 == "%REPOSITORY%" { repository = $2 }
    $1 == "%NAME%" { print $2 "\t" repository }' /run/work/databases > /run/work/names
awk -v OFS='\t' '
    FILENAME == ARGV[1] { split($0, sum, "\t"); sha256[sum[1]] = sum[2]; signature[sum[1]] = sum[3]; installed[sum[1]] = sum[4]; next }
    FILENAME == ARGV[2] { split($0, one, "\t"); having[one[1]] = having[one[1]] "," one[2]; next }
    {
        file = $4
        sub(/.*\//, $3 "/", file)
        also = having[$1] ","
        sub("," $3 ",", ",", also)
        gsub(/^,|,$/, "", also)
        print $1, $2, $3, $4, $5, sha256[file], signature[file], installed[file], also
    }
' /run/work/sums /run/work/names /run/work/resolved > /run/work/packages

# Other signatures are files next to the package. If one is unavailable, its field stays empty and the package is refused.
mkdir /run/work/signatures
awk -F '\t' '$7 == "-" { sub(/^file:\/\//, "copy:", $4); print $4 ".sig\n/run/work/signatures/" $1 "\n" }' /run/work/packages |
    (
        trap '' XFSZ
        ulimit -f 2048 # 1 MiB: apt knows no size here, and writes whatever a mirror sends.
        xargs -r -d '\n' -n 300 /usr/lib/apt/apt-helper -oAPT::Sandbox::User=root download-file >&2
    ) || true
for signature in /run/work/signatures/*; do
    [ ! -s "$signature" ] || printf '%s\t%s\n' "$(basename "$signature")" "$(base64 -w 0 "$signature")"
done > /run/work/downloaded
awk -F '\t' -v OFS='\t' '
    FILENAME == ARGV[1] { signature[$1] = $2; next }
    $7 == "-" { $7 = signature[$1] }
    { print }
' /run/work/downloaded /run/work/packages > /run/out/resolved
