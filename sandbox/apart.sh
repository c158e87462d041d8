# Sourced for functions that run what reads strangers' data: packages, signatures, indexes, keys. That data could take over
# its reader. So each reader is a user of its own without any capability, and writes to its standard output and to a
# directory that nobody else can enter. Where all could write, only root can: no reader finds what another one left.
. /run/step/problem.sh

# `close_shared`: to be called before the first reader runs.
close_shared() {
    chmod 0755 /tmp /dev/shm
}

# `apart USER COMMAND …`: runs a command as the user of that number, with its directory as $TMPDIR.
apart() {
    reader=$1
    shift
    install -d -m 0700 -o "$reader" -g "$reader" "/run/work/reader-$reader"
    TMPDIR=/run/work/reader-$reader setpriv --reuid="$reader" --regid="$reader" --clear-groups "$@"
}

# `read_apart READER`: runs the script READER for each package, with its path. Its standard output becomes the output of its
# package.
# in: packages/SHA256, names (lines of SHA256 and name)    out: SHA256
read_apart() {
    close_shared
    awk '{ print 1000 + NR % 60000, $0 }' /run/in/names | xargs -n 3 -P "$(nproc)" sh -euc '
        . /run/step/apart.sh
        # In units of 512 bytes: 64 MiB. The control data of the largest packages has a sixth of that.
        ulimit -f 131072
        apart "$1" sh -eu "$0" "/run/in/packages/$2" > "/run/out/$2" ||
            problem packages "$3" "the control data of $3 cannot be read, or is too large" "leave the package out"
        stop_on_problems
    ' "$1"
}
