#!/bin/sh
# Downloads packages. Files whose SHA-256 differs from the lock's are refused.
# in: wanted (lines of ADDRESS SHA256 NAME VERSION SIZE), apt.conf, remedy (what to do if the mirror has other packages)
#     dated (lines of SHA256 ADDRESS: where older states of the archives have a package, one after the other)
# out: one file per package, named by its SHA-256
#      taken (lines of NAME VERSION: those that the mirror no longer has, and an older state of the archive has)
set -eu
. /run/step/problem.sh
. /run/step/debian/apt.sh
. /run/step/debian/explain.sh
cat /run/in/apt.conf >> "$apt/apt.conf"
while read -r address sha256 _; do
    printf '%s\n/run/out/%s\nSHA256:%s\n' "$address" "$sha256" "$sha256"
done < /run/in/wanted > /run/work/arguments
# apt knows no size here, and writes whatever a mirror sends until the disk is full. No file may be larger than the
# largest in the lock, and than what this script writes itself.
trap '' XFSZ
ulimit -f "$(awk '$5 > most { most = $5 } END { print int(most / 512) + 2048 }' /run/in/wanted)"
errors=/run/work/errors status=0
xargs -a /run/work/arguments -n 150 /usr/lib/apt/apt-helper download-file 2> "$errors" || status=$?
cat "$errors" >&2
: > /run/out/taken
[ "$status" -ne 0 ] || exit 0

work=/run/work
# Of a mirror that does not answer, or sends something else, no other archive is asked.
unfetched "$errors" /run/in/wanted
awk -v lost="$lost" 'NR == FNR { if ($0 ~ lost) gone[$1]; next } $1 in gone { print $2, $3, $4 }' "$errors.wanted" \
    /run/in/wanted > $work/gone
: > $work/fetched
awk 'NR == FNR { gone[$1]; next } $1 in gone' $work/gone /run/in/dated > $work/dated
dead=
while read -r sha256 address; do
    from=${address%%/pool/*}
    case " $dead " in *" $from "*) continue ;; esac
    ! grep -qx "$sha256" $work/fetched || continue
    # Such archives are slow and unreliable. What one does not have, it says at once; one that does not answer is asked
    # once, and not for each package.
    started=$(date +%s)
    if /usr/lib/apt/apt-helper -o Acquire::Retries=8 -o Acquire::http::Timeout=120 -o Acquire::https::Timeout=120 \
        download-file "$address" "/run/out/$sha256" "SHA256:$sha256" < /dev/null >&2; then
        echo "$sha256" >> $work/fetched
    else
        rm -f "/run/out/$sha256"
        [ $(($(date +%s) - started)) -lt 60 ] || dead="$dead $from"
    fi
done < $work/dated
awk 'NR == FNR { fetched[$1]; next } $1 in fetched { print $2, $3 }' $work/fetched $work/gone > /run/out/taken
# A file that is there need not be whole: apt leaves what has another SHA-256, too.
awk -v fetched=$work/fetched -v failed="$errors.wanted" '
    FILENAME == fetched { done[$1]; next }
    FILENAME == failed { lost[$1]; next }
    !($2 in done) { print ($1 in lost ? "lost" : "unknown"), $0 }' $work/fetched "$errors.wanted" /run/in/wanted |
    while read -r how address sha256 more; do
        [ "$how" = unknown ] || rm -f "/run/out/$sha256"
        [ -e "/run/out/$sha256" ] || echo "$address $sha256 $more"
    done > $work/left
[ -s $work/left ] || [ -s $work/gone ] || cp /run/in/wanted $work/left
[ -s $work/left ] || exit 0
explain_fetch "$errors" $work/left "$(cat /run/in/remedy)"
exit 1
