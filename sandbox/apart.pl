# Reads packages, each in a process of its own that is a user of its own: see `read_apart` in apart.sh. A process starts as
# a copy of this one, which has read nothing of a package, so it costs a small part of what a shell and its programs do.
# usage: apart.pl READER PROCESSES, with `read_package PATH` in the file READER: it prints, or dies of what it cannot read.
# in: packages/SHA256, names (lines of SHA256 and name)    out: SHA256
use strict;
use warnings;
use POSIX ();

my $WORK = '/run/work';
my ($reader, $most) = @ARGV;
require $reader;

# To be this user and nobody else, without groups and so without any capability, for good.
sub become {
    my ($user) = @_;
    $) = "$user $user";
    POSIX::setgid($user);
    POSIX::setuid($user);
    die "cannot become the user $user\n" unless "$< $> $( $)" eq "$user $user $user $user $user $user";
}

sub start {
    my ($sha256, $user) = @_;
    my $process = fork() // die "fork: $!\n";
    return $process if $process;
    my $read = eval {
        my $own = "$WORK/reader-$user";
        open(STDIN,  '<', '/dev/null')        or die "/dev/null: $!\n";
        open(STDOUT, '>', "/run/out/$sha256") or die "$sha256: $!\n";
        mkdir($own, 0700) && chown($user, $user, $own) or die "$own: $!\n";
        $ENV{TMPDIR} = $own;
        become($user);
        read_package("/run/in/packages/$sha256");
        close(STDOUT) or die "$sha256: $!\n";
        1;
    };
    print STDERR $@ unless $read;
    POSIX::_exit($read ? 0 : 1);
}

my (%running, $failed);

sub ended {
    my $process = wait();
    my $name    = delete $running{$process} // return;
    return unless $?;
    open(my $problems, '>>', '/run/problems') or die "/run/problems: $!\n";
    print $problems join("\0", 'packages', $name, "the control data of $name cannot be read, or is too large",
        'leave the package out', '');
    close($problems) or die "/run/problems: $!\n";
    $failed = 1;
}

open(my $names, '<', '/run/in/names') or die "names: $!\n";
my @wanted = map { [split ' '] } <$names>;
close($names);
my $number = 0;
for (@wanted) {
    my ($sha256, $name) = @$_;
    ended() while keys %running >= $most;
    $running{ start($sha256, 1000 + ++$number % 60000) } = $name;
}
ended() while %running;
exit($failed ? 1 : 0);
