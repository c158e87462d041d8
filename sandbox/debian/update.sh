#!/bin/sh
# Downloads the archives' signed indexes as they are now. They may be past their date, since a lock is older.
# in: sources.list, archives, keys/, options, apt.conf    out: indexes (see indexes.sh)
set -eu
. /run/step/problem.sh
. /run/step/debian/apt.sh
. /run/step/debian/verdicts.sh
. /run/step/debian/explain.sh
. /run/step/debian/indexes.sh
cat /run/in/options /run/in/apt.conf >> "$apt/apt.conf"
cp /run/in/sources.list "$apt/etc/"
# Nothing is resolved here, so apt's cache of all packages is not needed.
update /run/in/archives -o Acquire::Check-Valid-Until=false -o pkgCacheFile::Generate=false
targets
downloaded > /run/work/indexes
keep /run/work/indexes
