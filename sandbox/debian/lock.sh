#!/bin/sh
# Resolves a package list against signed indexes.
# in: sources.list, archives, keys/, written, options, apt.conf, kept/N (indexes of archives whose address is N/ARCHIVE in
#     the script's own directory kept: see indexes.sh), packages, installed (index of the base's packages),
#     unpacked (names of packages that are not installed, and need none of what they depend on)
#     where only a part is chosen anew: held (lines of NAME VERSION ARCHITECTURE, which stay if an archive has them), security
#     (archives whose newer versions are taken nevertheless)
#     for messages: system (distribution and release), base (the base's name, or empty)
# out: resolved (lines of apt-get --print-uris after the archives that have the package, with commas between them, the
#      word `essential` if one of these calls it so, `also=ARCHIVES` if others have a package of its name, and
#      `installed=KIB` if the index says what it takes)
#      unpacked (the same for those)
#      archives (lines of archive, suite and the date of its index)
#      indexes (see indexes.sh)
#      remarks (lines for people)
set -eu
. /run/step/problem.sh
. /run/step/suggest.sh
. /run/step/debian/apt.sh
. /run/step/debian/verdicts.sh
. /run/step/debian/explain.sh
. /run/step/debian/indexes.sh

# `told URIS`: prints what apt-get --print-uris said, with what the indexes say of each package.
told() {
    sed -n "/^'/p" "$1" > /run/work/locked
    awk -F '\t' '
        FILENAME == ARGV[1] {
            split($0, word, " ")
            line[++count] = $0
            key[count] = word[2] " " word[4]
            wanted[key[count]]
            sub(/_.*/, "", word[2])
            locked[word[2]]
            next
        }
        !($2 in locked) { next }
        {
            version = $3
            gsub(/:/, "%3a", version)
            one = $2 "_" version "_" $4 ".deb SHA256:" $7
            if (!named[$2, $1]++) having[$2] = having[$2] "," $1
            if (one in wanted && !seen[one, $1]++) {
                archives[one] = archives[one] (archives[one] == "" ? "" : ",") $1
                if ($8 == "yes") mark[one] = " essential" # apt installs it unasked.
                if ($9 ~ /^[1-9][0-9]*$/ && length($9) < 10) size[one] = " installed=" $9
            }
        }
        function also(one, name, archive, n, found) { # archives that have another package of its name
            sub(/_.*/, "", name)
            split(substr(having[name], 2), archive, ",")
            for (n = 1; n in archive; n++) if (!((one, archive[n]) in seen)) found = found "," archive[n]
            return found == "" ? "" : " also=" substr(found, 2)
        }
        END {
            for (n = 1; n <= count; n++)
                print archives[key[n]] mark[key[n]] also(key[n], key[n]) size[key[n]] " " line[n]
        }' /run/work/locked /run/work/entries
}

work=/run/work

# `fixed`: prints the names in held of which an archive in security has a newer version.
fixed() {
    awk '
        FILENAME == ARGV[1] { security[$1]; next }
        FILENAME == ARGV[2] { held[$1, $3] = $2; next }
        $1 in security && ($2, $4) in held { print $2, held[$2, $4], $3 }' /run/in/security /run/in/held $work/entries |
        while read -r name old new; do
            ! dpkg --compare-versions "$new" gt "$old" || echo "$name"
        done | sort -u
}

# `hold`: has apt keep the versions in $work/holding, lines of NAME VERSION.
hold() {
    awk '{ printf "Package: %s\nPin: version %s\nPin-Priority: 1001\n\n", $1, $2 }' $work/holding > "$apt/etc/preferences"
}

# `let_go SAID`: gives up to keep those that apt names in SAID as what hinders others. Fails if none is.
let_go() {
    awk '
        FILENAME != ARGV[count = ARGC - 1] {
            if (/ : |(Depends|Breaks|Conflicts): /)
                for (n = 1; n <= NF; n++) { sub(/:.*/, "", $n); named[$n] }
            next
        }
        !($1 in named)' "$@" $work/holding > $work/less
    ! cmp -s $work/less $work/holding || return 1
    mv $work/less $work/holding
    hold
}

cat /run/in/options /run/in/apt.conf >> "$apt/apt.conf"
cp /run/in/sources.list "$apt/etc/"
installed /run/in/installed hold

for file in /run/in/kept/*; do
    [ -e "$file" ] || continue
    mkdir -p "$work/kept/${file##*/}"
    zstd -q -dc "$file" > "$work/tree"
    tar -C "$work/kept/${file##*/}" --no-same-owner --no-same-permissions -xf "$work/tree"
    rm "$work/tree"
done
update /run/in/archives
require_components
misnamed > "$apt/misnamed"
other_suites > "$errors"
if [ -s "$errors" ]; then
    explain_update "$errors" /run/work/answer "$apt/sources"
    exit 1
fi
odd_suites > /run/work/remarks
downloaded > /run/work/indexes
keep /run/work/indexes & # While apt resolves.
keeping=$!
entries /run/work/indexes > /run/work/entries
if [ -e /run/in/held ]; then
    fixed > $work/fixed
    : > $work/lost
    WORK=$work awk '
        FILENAME == ARGV[1] { fixed[$1]; next }
        FILENAME == ARGV[2] { there[$2, $3, $4]; next }
        $1 in fixed { next }
        { print $1, $2 > (ENVIRON["WORK"] (($1, $2, $3) in there ? "/holding" : "/lost")) }' \
        $work/fixed $work/entries /run/in/held
    touch $work/holding
    hold
    awk '
        NR <= 10 { first = first (NR > 1 ? ", " : "") $0 }
        END {
            if (NR > 10) first = first " and " NR - 10 " more"
            if (NR) print "cannot stay, since no archive has it any more: " first
        }' $work/lost >> $work/remarks
fi
apt-cache pkgnames > /run/work/names
: > /run/work/apart
explain_names /run/in/packages /run/work/entries /run/work/indexes /run/work/names "$(cat /run/in/system)"
while read -r name; do
    apt-get --print-uris download "$name" 2> "$errors" >> /run/work/apart && continue
    cat "$errors" >&2
    [ "$name" != memtest86+ ] || {
        problem boot.entries memtest "$(cat /run/in/system) has no package '$name'" "leave the entry out"
        continue
    }
    problem boot.secure "" "$(cat /run/in/system) has no package '$name', which Secure Boot needs" \
        "write \`boot: {secure: none}\`, or name a repository that has it"
done < /run/in/unpacked
stop_on_problems
until xargs -a /run/in/packages apt-get --print-uris -y --no-upgrade --no-remove install '?essential' \
    > $work/resolved 2> "$errors"; do
    [ ! -e /run/in/held ] || ! let_go $work/resolved "$errors" || continue
    cat /run/work/resolved "$errors" >&2
    explain_packages "$errors" /run/in/packages /run/in/installed /run/work/entries "$(cat /run/in/base)" \
        /run/work/indexes
    exit 1
done
told /run/work/resolved > /run/out/resolved
told /run/work/apart > /run/out/unpacked
# What apt leaves out of what is recommended, it only says.
if grep -q '^APT::Install-Recommends "true";' /run/in/options; then
    awk '
        !/^ / { inside = /^Recommended packages:/; next }
        inside {
            for (n = 1; n <= NF; n++) {
                if ($n == "|" || joined) way[count] = way[count] " " $n
                else way[++count] = $n
                joined = $n == "|"
            }
        }
        END {
            for (n = 1; n <= count && n <= 10; n++) first = first (n > 1 ? ", " : "") way[n]
            if (count > 10) first = first " and " count - 10 " more"
            if (count) print "recommended, and left out, since in no archive or in conflict: " first
        }' /run/work/resolved >> /run/work/remarks
fi
dates > /run/out/archives
LC_ALL=C tr -c ' -~\n' '?' < /run/work/remarks | cut -c 1-400 > /run/out/remarks
wait "$keeping"
