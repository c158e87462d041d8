#!/bin/sh
# Resolves a package list against signed indexes.
# in: sources.list, archives, keys/, written, options, apt.conf, packages, installed (index of the base's packages)
#     for messages: system (distribution and release), base (the base's name, or empty)
# out: resolved (lines of apt-get --print-uris after the archives that have the package, with commas between them, the
#      word `essential` if one of these calls it so, `also=ARCHIVES` if others have a package of its name, and
#      `installed=KIB` if the index says what it takes)
#      archives (lines of archive, suite and the date of its index)
#      indexes (see indexes.sh)
set -eu
. /run/step/problem.sh
. /run/step/suggest.sh
. /run/step/debian/apt.sh
. /run/step/debian/verdicts.sh
. /run/step/debian/explain.sh
. /run/step/debian/indexes.sh
cat /run/in/options /run/in/apt.conf >> "$apt/apt.conf"
cp /run/in/sources.list "$apt/etc/"
installed /run/in/installed hold

update /run/in/archives
require_components
targets > /run/work/indexes
entries /run/work/indexes > /run/work/entries
apt-cache pkgnames > /run/work/names
explain_names /run/in/packages /run/work/entries /run/work/indexes /run/work/names "$(cat /run/in/system)"
stop_on_problems
if ! xargs -a /run/in/packages apt-get -qq --print-uris -y --no-upgrade --no-remove install '?essential' \
    > /run/work/resolved 2> "$errors"; then
    cat /run/work/resolved "$errors" >&2
    explain_packages "$errors" /run/in/packages /run/in/installed /run/work/entries "$(cat /run/in/base)" \
        /run/work/indexes
    exit 1
fi
sed -n "/^'/p" /run/work/resolved > /run/work/locked
essential /run/work/indexes > /run/work/essential
installed_sizes /run/work/indexes > /run/work/installed
awk -F '\t' '
    FILENAME == ARGV[1] { split($0, word, " "); line[++count] = $0; key[count] = word[2] " " word[4]; wanted[key[count]]; next }
    FILENAME == ARGV[2] { essential[$0]; next }
    FILENAME == ARGV[3] { installed[$1] = " installed=" $2; next }
    {
        version = $3
        gsub(/:/, "%3a", version)
        one = $2 "_" version "_" $4 ".deb SHA256:" $7
        if (!named[$2, $1]++) having[$2] = having[$2] "," $1
        if (one in wanted && !seen[one, $1]++) {
            archives[one] = archives[one] (archives[one] == "" ? "" : ",") $1
            if ($2 "_" version "_" $4 ".deb " $1 in essential) mark[one] = " essential"
            size[one] = installed[$7]
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
    }' \
    /run/work/locked /run/work/essential /run/work/installed /run/work/entries > /run/out/resolved
dates > /run/out/archives
keep /run/work/indexes
