# Writes kernel settings back as they were read, through the /proc it was given and through a fresh one.
through=0
try() {
    for name in kernel/core_pattern kernel/modprobe kernel/sysrq vm/overcommit_memory kernel/panic; do
        value=$(cat "$1/sys/$name") || continue
        if (printf '%s\n' "$value" > "$1/sys/$name") 2> /dev/null; then
            echo "wrote $1/sys/$name"
            through=1
        fi
    done
    # Opened only: a write would do something.
    for name in sys/vm/drop_caches sysrq-trigger; do
        if (exec 3> "$1/$name") 2> /dev/null; then
            echo "opened $1/$name"
            through=1
        fi
    done
}
try /proc
mkdir "$TMP/proc"
if mount -t proc proc "$TMP/proc" 2> /dev/null; then
    try "$TMP/proc"
    umount "$TMP/proc"
fi
mount -o remount,rw /proc/sys 2> /dev/null && try /proc
umount /proc/sys 2> /dev/null && try /proc
exit $through
