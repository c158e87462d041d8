# Reads a file of the host: by its name, through other processes' roots, through descriptors that were left open, by handle.
my $through = 0;
sub got { print "@_\n"; $through = 1 }

for my $path ($ENV{CANARY}, map { "$_$ENV{CANARY}" } glob('/proc/[0-9]*/root /proc/[0-9]*/cwd')) {
    got("read $path") if open(my $file, '<', $path);
}
opendir(my $own, '/proc/self/fd') or die;
for my $number (sort readdir $own) {
    my $target = readlink("/proc/self/fd/$number") // next;
    next if $target =~ m{^(pipe:|/dev/null|/proc/|socket:|/dev/pts/|/dev/console)};
    next if $target =~ m{/attacks/};    # perl's own program
    got("descriptor $number is $target");
}
# open_by_handle_at(2): a handle of type 1 (inode and generation); inode 2 is the root of an ext4.
for my $place (split(' ', "$ENV{READ_ONLY} /"), '/etc/hostname', '/etc/resolv.conf') {
    next unless open(my $mount, '<', $place);
    my $handle = pack('IiII', 8, 1, 2, 0);
    my $file = syscall(304, fileno($mount), $handle, 0);
    got("opened inode 2 by handle at $place") if $file >= 0;
}
exit $through;
