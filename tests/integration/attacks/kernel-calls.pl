# Asks for what only the host's root may: each call is made so that it does nothing should it be allowed.
use Errno qw(EPERM ENOSYS EACCES);
my $through = 0;

sub try {
    my ($name, @arguments) = @_;
    my $result = syscall(shift @arguments, @arguments);
    # Any other error means that the kernel looked at the arguments, after it had looked at the rights.
    return if $result == -1 && ($! == EPERM || $! == ENOSYS || $! == EACCES);
    print "$name: ", ($result == -1 ? "$!" : "returned $result"), "\n";
    $through = 1;
}
my $nothing = '';
my $buffer = "\0" x 4096;
try('finit_module', 313, -1, $nothing, 0);
try('delete_module', 176, 'no-such-module-of-ours', 0);
try('kexec_load', 246, 0, 0, 0, 0xffff);
try('reboot', 169, 0, 0, 0, 0);
try('swapon', 167, '/no/such/file', 0);
try('acct', 163, '/no/such/file');
try('syslog', 103, 3, $buffer, 4096);
try('iopl', 172, 0);
try('bpf', 321, 0, $buffer, 4);
try('perf_event_open', 298, "\x01\0\0\0\x70" . ("\0" x 123), -1, 0, -1, 0);
try('userfaultfd', 323, 0);
try('io_uring_setup', 425, 1, "\0" x 120);
my $times = "\0" x 16;
syscall(228, 0, $times) == 0 or die "clock_gettime: $!";
try('clock_settime', 227, 0, $times);
for my $secret (['/proc/kallsyms', qr/^(?!0+ )[0-9a-f]+ /], ['/proc/kcore', qr/^/], ['/dev/mem', qr/^/], ['/proc/kpagecount', qr/^/]) {
    my ($path, $wanted) = @$secret;
    next unless open(my $file, '<', $path);
    my $read = sysread($file, my $data, 64);
    next unless $read && $data =~ $wanted;
    print "read $path\n";
    $through = 1;
}
exit $through;
