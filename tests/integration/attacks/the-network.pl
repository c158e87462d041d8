# Reaches what listens on the host: on its loopback and on an abstract socket. Looks for interfaces and raw packets.
use Socket;
my $through = 0;
sub got { print "@_\n"; $through = 1 }

socket(my $tcp, PF_INET, SOCK_STREAM, 0) or die "socket: $!";
got("connected to 127.0.0.1") if connect($tcp, pack_sockaddr_in($ENV{PORT}, INADDR_LOOPBACK));
socket(my $local, PF_UNIX, SOCK_STREAM, 0) or die "socket: $!";
got("connected to an abstract socket") if connect($local, pack('S', AF_UNIX) . "\0$ENV{ABSTRACT}");
open(my $devices, '<', '/proc/net/dev') or die "/proc/net/dev: $!";
while (<$devices>) {
    got("sees the interface $1") if /^\s*([^\s:]+):/ && $1 ne 'lo';
}
got("opened a packet socket") if socket(my $packet, 17, SOCK_RAW, 0x0300);
got("opened a raw socket") if socket(my $raw, PF_INET, SOCK_RAW, 1);
exit $through;
