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

# `read_apart READER`: reads each package with the Perl in the file READER: see apart.pl. What it prints becomes the output
# of its package.
# in: packages/SHA256, names (lines of SHA256 and name)    out: SHA256
read_apart() {
    close_shared
    # In units of 512 bytes: 64 MiB.
    (ulimit -f 131072 && exec perl /run/step/apart.pl "$1" "$(nproc)")
}
