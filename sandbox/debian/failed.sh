# Sourced for `failed ROOT`: after dpkg failed in the system at ROOT, reports the packages that it got stuck in, and ends the
# script.
. /run/step/debian/database.sh

failed() {
    mkdir -p /run/work
    copied=$(mktemp -d /run/work/database.XXXXXX)
    if [ -e "$1/var/lib/dpkg/status" ]; then # Not if mmdebstrap failed at once.
        copy_database "$1" "$copied"
        dpkg-query --admindir="$copied" -W > /dev/null || changed
    fi
    awk '
        $1 == "Package:" { name = $2 }
        $1 == "Status:" && ($4 ~ /^half-/ || $2 " " $4 == "install not-installed") { print name, $4 }
    ' "$copied/status" > /run/work/failed || true
    while read -r name state <&9; do
        problem packages "$name" "$name could not be installed, for its script or its files failed; dpkg says that it is $state" \
            "see the log for the message of dpkg; leave it out, or correct the package"
    done 9< /run/work/failed
    exit 1
}
