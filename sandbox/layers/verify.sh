# For an initramfs: tells a person something, and compares a medium with its checksums. Stands before what does so.

# Arguments: words, which are shown on every console. /dev/console is the last one alone.
tell() {
    for console in $(cat /sys/class/tty/console/active); do
        echo "$*" > "/dev/$console"
    done
}

# Argument: where the medium is mounted. Fails with the names of what is damaged in $damaged, each after a space.
verify_medium() {
    damaged=
    cat "$1/sha256sum.txt" > /run/sha256sum.txt || damaged=" sha256sum.txt"
    while read -r digest name <&9; do
        tell "Checking $name"
        echo "$digest  $1/$name" | sha256sum -c > /dev/null 2>&1 || damaged="$damaged $name"
    done 9< /run/sha256sum.txt
    [ -z "$damaged" ] || return 1
    tell "The medium is undamaged."
}

