# Makes a node of the host's disk and reads from it; makes character devices that give the kernel away.
my $through = 0;
for my $where ("$ENV{TMP}/disk", "/dev/disk-$$", "/dev/shm/disk-$$", "/run/disk-$$") {
    # mknod(2), S_IFBLK
    if (syscall(133, $where, 060600, $ENV{DISK} + 0) == 0) {
        print "made $where\n";
        $through = 1;
        if (open(my $disk, '<', $where)) {
            print "read the disk\n" if sysread($disk, my $data, 512);
        }
        unlink $where;
    }
}
for my $device ([1, 1, 'mem'], [1, 11, 'kmsg'], [10, 237, 'loop-control'], [10, 229, 'fuse'], [10, 234, 'btrfs-control']) {
    my ($major, $minor, $name) = @$device;
    my $node = "$ENV{TMP}/$name";
    if (syscall(133, $node, 020600, $major << 8 | $minor) == 0) {
        print "made $name\n";
        $through = 1;
        unlink $node;
    }
    if (open(my $given, '+<', "/dev/$name") && (stat $given)[6] == ($major << 8 | $minor)) {
        print "opened /dev/$name\n";
        $through = 1;
    }
}
exit $through;
