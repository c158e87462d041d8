# For `output_of PACKAGE, COMMAND …`: what a command prints of a package.
use strict;
use warnings;

# Bytes of it. The control data of the largest packages has a sixth of that.
my $MOST = 64 << 20;

sub output_of {
    my ($package, @command) = @_;
    open(my $pipe, '-|', @command) or die "$command[0]: $!\n";
    binmode($pipe);
    my ($data, $part) = ('', '');
    while (read($pipe, $part, 1 << 16)) {
        $data .= $part;
        die "$package: its metadata is too large\n" if length($data) > $MOST;
    }
    close($pipe) or die "$package: its metadata cannot be read\n";
    return $data;
}

1;
