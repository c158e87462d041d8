# Uses the kernel's keyrings, which no name space separates. The key would end with this thread.
my $through = 0;
my ($type, $name, $data) = ('user', 'attack', 'x');
my $key = syscall(248, $type, $name, $data, 1, -1);    # add_key(2), KEY_SPEC_THREAD_KEYRING
if ($key >= 0) { print "added a key\n"; $through = 1 }
my $ring = syscall(250, 0, -4, 0, 0, 0);               # keyctl(KEYCTL_GET_KEYRING_ID, KEY_SPEC_USER_KEYRING)
if ($ring >= 0) { print "found root's keyring\n"; $through = 1 }
exit $through;
