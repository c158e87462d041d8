# Mounts file system images, from which a kernel's parsers could be attacked.
through=0
mkdir "$TMP/mounted"
try() {
    if mount "$@" "$TMP/mounted" 2> /dev/null; then
        echo "mounted: $*"
        through=1
        umount "$TMP/mounted"
    fi
}
try -o loop,ro -t ext4 "$ATTACKS/image.ext4"
try -o loop,ro -t squashfs "$ATTACKS/image.squashfs"
try -t fuse -o fd=0,rootmode=40000,user_id=0,group_id=0 fuse
try -t debugfs debugfs
try -t tracefs tracefs
try -t securityfs securityfs
try -t devtmpfs devtmpfs
exit $through
