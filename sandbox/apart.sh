# Sourced for `read_apart READER`, which runs the script READER for each package, with its path. Packages are strangers'
# data, and one could take over what reads it. So each reader is a user of its own without any capability, and what it
# can write to and others see is its standard output alone, which becomes the output of its package.
# in: packages/SHA256, names (lines of SHA256 and name)    out: SHA256

read_apart() {
    awk '{ print 1000 + NR % 60000, $0 }' /run/in/names | xargs -n 3 -P "$(nproc)" sh -euc '
        . /run/step/problem.sh
        # In units of 512 bytes: 64 MiB. The control data of the largest packages has a sixth of that.
        ulimit -f 131072
        setpriv --reuid="$1" --regid="$1" --clear-groups sh -eu "$0" "/run/in/packages/$2" > "/run/out/$2" ||
            problem packages "$3" "the control data of $3 cannot be read, or is too large" "leave the package out"
        stop_on_problems
    ' "$1"
}
