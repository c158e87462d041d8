# Sees, signals, traces and enters a process of the host.
my $through = 0;
sub got { print "@_\n"; $through = 1 }

for my $directory (glob('/proc/[0-9]*')) {
    my ($process) = $directory =~ /(\d+)$/;
    open(my $file, '<', "$directory/cmdline") or next;
    local $/;
    my $words = <$file> // next;
    next unless index($words, $ENV{TARGET_NAME}) >= 0;
    got("sees the process $process");
    got("may signal it") if kill(0, $process);
    got("may enter its root") if opendir(my $root, "$directory/root/");
    if (syscall(101, 16, $process, 0, 0) == 0) {    # ptrace(PTRACE_ATTACH)
        got("traces it");
        waitpid($process, 0);
        syscall(101, 17, $process, 0, 0);
    }
}
exit $through;
