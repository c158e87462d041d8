# Sets host and domain name back as they were read; they must be the sandbox's own, not the host's.
open(my $file, '<', '/proc/sys/kernel/hostname') or die;
my $name = <$file>;
chomp $name;
exit 0 if $name ne $ENV{HOST_NAME};
print "the host's name can be seen\n";
print "and set\n" if syscall(170, $name, length $name) == 0;
exit 1;
