# Writes its own limits back as they were read, leaves its control group, names a release agent (v1 and v2).
through=0
wrote() {
    echo "wrote $1"
    through=1
}
try() {
    find "$1" -maxdepth 8 \( -name memory.limit_in_bytes -o -name pids.max -o -name cpu.cfs_quota_us -o -name memory.max \
        -o -name cpu.max -o -name release_agent \) 2> /dev/null | while read -r file; do
        value=$(cat "$file" 2> /dev/null) || continue
        if (printf '%s\n' "$value" > "$file") 2> /dev/null; then echo "$file"; fi
    done > "$TMP/wrote"
    # Opened only: a write would move this process. Without a bound beside it, a group of its own to move in gives nothing.
    for file in "$1"/cgroup.procs; do
        if ls "$1" | grep -q 'memory.limit\|pids.max\|cpu.cfs' && (exec 3> "$file") 2> /dev/null; then echo "$file"; fi
    done >> "$TMP/wrote"
    while read -r file; do wrote "$file"; done < "$TMP/wrote"
}
for directory in /sys/fs/cgroup /sys/fs/cgroup/*; do try "$directory"; done
mkdir "$TMP/group"
for options in memory pids cpu; do
    if mount -t cgroup -o "$options" cgroup "$TMP/group" 2> /dev/null; then
        try "$TMP/group"
        umount "$TMP/group"
    fi
done
if mount -t cgroup2 cgroup2 "$TMP/group" 2> /dev/null; then
    try "$TMP/group"
    umount "$TMP/group"
fi
exit $through
