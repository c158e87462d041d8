# Opens sockets of kinds that no step needs: each of them is a part of the kernel that could be attacked, or a module to load.
use Errno qw(EPERM EACCES);
my $through = 0;

sub try {
    my ($name, $family, $type, $protocol) = @_;
    for my $call (41, 53) {    # socket(2), socketpair(2)
        my $pair = "\0" x 8;
        my $result = $call == 41 ? syscall(41, $family, $type, $protocol) : syscall(53, $family, $type, $protocol, $pair);
        next if $result < 0;
        print $call == 41 ? "$name\n" : "pair of $name\n";
        $through = 1;
    }
}
try('packet', 17, 3, 0x0300);
try('packet, datagrams', 17, 2, 0x0300);
try('algorithm', 38, 5, 0);
try('vsock', 40, 1, 0);
try('key', 15, 3, 2);
try('raw', 2, 3, 1);
try('raw, IPv6', 10, 3, 58);
try('multipath', 2, 1, 262);
try('sctp', 2, 1, 132);
try('dccp', 2, 6, 33);
try('udplite', 2, 2, 136);
try('sequenced packets', 2, 5, 0);
my %netlink = (usersock => 2, sock_diag => 4, xfrm => 6, selinux => 7, iscsi => 8, audit => 9, fib_lookup => 10, connector => 11,
    netfilter => 12, uevent => 15, generic => 16, crypto => 21);
try("netlink $_", 16, 3, $netlink{$_}) for sort keys %netlink;
for my $family (3 .. 9, 11 .. 14, 18 .. 45) {
    next if $family == 38 || $family == 40;
    try("family $family", $family, $_, 0) for 1, 2, 3, 5;
}
exit $through;
