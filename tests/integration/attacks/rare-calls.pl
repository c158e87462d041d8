# Makes calls that no step needs, with arguments that do nothing should one be allowed.
use Errno qw(EPERM ENOSYS EACCES);
my $through = 0;

sub try {
    my ($name, $number, @arguments) = @_;
    my $result = syscall($number, @arguments);
    # Any other error means that the kernel looked at the arguments, after it had looked at the rights.
    return if $result == -1 && ($! == EPERM || $! == ENOSYS || $! == EACCES);
    print "$name: ", ($result == -1 ? "$!" : "returned $result"), "\n";
    $through = 1;
}
my $none = "/no/such/file";
my $zeros = "\0" x 256;
try('fsopen', 430, $none, 0);
try('fsconfig', 431, -1, 0, 0, 0, 0);
try('fsmount', 432, -1, 0, 0);
try('fspick', 433, -1, $none, 0);
try('open_tree', 428, -1, $none, 0);
try('move_mount', 429, -1, $none, -1, $none, 0);
try('mount_setattr', 442, -1, $none, 0, $zeros, 32);
try('pivot_root', 155, $none, $none);
try('open_by_handle_at', 304, -1, $zeros, 0);
try('process_vm_readv', 310, 0x7fffffff, 0, 0, 0, 0, 0);
try('process_vm_writev', 311, 0x7fffffff, 0, 0, 0, 0, 0);
try('ptrace', 101, 16, 0x7fffffff, 0, 0);
try('kcmp', 312, 0x7fffffff, 0x7fffffff, 0, 0, 0);
try('pidfd_getfd', 438, -1, 0, 0);
try('quotactl_fd', 443, -1, 0, 0, 0);
try('fanotify_init', 300, 0, 0);
try('keyctl', 250, 0, -4, 0, 0, 0);
try('add_key', 248, 0, 0, 0, 0, 0);
try('request_key', 249, 0, 0, 0, 0);
try('kexec_file_load', 320, -1, -1, 0, 0, 0x100);
try('modify_ldt', 154, 0, $zeros, 0);
try('iopl', 172, 0);
try('ioperm', 173, 0, 1, 0);
try('vhangup', 153);
try('lookup_dcookie', 212, 0, $zeros, 0);
try('settimeofday', 164, 0, 0);
try('adjtimex', 159, $zeros);
try('init_module', 175, 0, 0, 0);
try('io_uring_register', 427, -1, 0, 0, 0);
try('userfaultfd', 323, 0);
try('migrate_pages', 256, 0x7fffffff, 0, 0, 0);
try('move_pages', 279, 0x7fffffff, 0, 0, 0, 0, 0);
try('personality', 135, 0x0400000);    # READ_IMPLIES_EXEC
try('personality', 135, 0x0100000);    # MMAP_PAGE_ZERO
# Types a character into a terminal: these ask for a terminal only after they have asked for the rights.
open(my $terminal, '<', '/dev/null') or die;
try('TIOCSTI', 16, fileno $terminal, 0x5412, 0);
try('TIOCLINUX', 16, fileno $terminal, 0x541c, 0);
# Only the lower half of an argument counts.
try('TIOCSTI', 16, fileno $terminal, 0x7_0000_5412, 0);
# The x32 table, and one that does not exist.
try('x32 getpid', 0x40000000 + 39);
exit $through;
