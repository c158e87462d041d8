# Reaches what listens on the host: on its loopback and on an abstract socket, also through the proxy, if it has one. Looks for interfaces and raw packets.
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
if (($ENV{http_proxy} // '') =~ m{^http://127\.0\.0\.1:(\d+)$}) {
    my $proxy = $1;
    for my $host (qw(127.0.0.1 localhost 127.1 2130706433 0x7f.1 0.0.0.0 [::1] [::ffff:127.0.0.1] 169.254.169.254)) {
        for my $ask ("CONNECT $host:$ENV{PORT}", "GET http://$host:$ENV{PORT}/", "CONNECT $host:80", "GET http://$host/") {
            socket(my $client, PF_INET, SOCK_STREAM, 0) or die "socket: $!";
            connect($client, pack_sockaddr_in($proxy, INADDR_LOOPBACK)) or die "connect: $!";
            syswrite($client, "$ask HTTP/1.1\r\n\r\n");
            sysread($client, my $answer, 100);
            got("$ask: $answer") if ($answer // '') !~ m{^HTTP/1\.1 403 };
        }
    }
}
got("opened a packet socket") if socket(my $packet, 17, SOCK_RAW, 0x0300);
got("opened a raw socket") if socket(my $raw, PF_INET, SOCK_RAW, 1);
exit $through;
