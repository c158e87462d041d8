# For `read_package PATH`, which prints the control file of a package, after a field that says what it has for kernel and
# initramfs (see ../holds.pl). Nothing of the package is unpacked.
use strict;
use warnings;
require '/run/step/holds.pl';
require '/run/step/output.pl';

# Name -> content of those regular files of the control archive whose names are wanted. What dpkg reads otherwise is refused:
# names in members of their own or in two parts, two members of one name, of which it has the last one, however that is
# written, and a link or another kind of file of such a name.
sub members {
    my ($package, @wanted) = @_;
    my $data = output_of($package, 'dpkg-deb', '--ctrl-tarfile', $package);
    my ($at, %found) = (0);
    while ($at + 512 <= length($data)) {
        my ($name, $size, $type, $magic, $prefix) = unpack("\@$at Z100 x24 a12 x20 a1 x100 a6 x82 Z155", $data);
        last if $name eq '' && $type eq "\0";
        $type !~ /^[KLgx]\z/ && ($prefix eq '' || $magic ne "ustar\0")
            or die "$package: its control archive has a name that is too long\n";
        $size =~ /^[ \0]*([0-7]{1,11})[ \0]*\z/ or die "$package: its control archive is damaged\n";
        $size = oct($1);
        # What has no content has a size of nothing: tar passes over another, and finds members in it.
        $size == 0 || $type =~ /^[0\0]\z/ or die "$package: its control archive is damaged\n";
        $name = join('/', grep { $_ ne '' && $_ ne '.' } split(m{/}, $name));
        if (grep { $_ eq $name } @wanted) {
            $type =~ /^[0\0]\z/ or die "$package: in its control archive, $name is no file\n";
            !exists $found{$name} or die "$package: its control archive has two files $name\n";
            $found{$name} = substr($data, $at + 512, $size);
        }
        $at += 512 + 512 * int(($size + 511) / 512);
    }
    return %found;
}

# A list of a package's files, and the form of its lines. md5sums and conffiles together list all files, and reading them is
# much faster than reading the files.
sub files {
    my ($package, @lists) = @_;
    my $listed = join("\n", @lists);
    return ($listed, qr{^[0-9a-f]* */?(.+)}m) if $listed =~ /[0-9a-f]  /;
    return (output_of($package, 'sh', '-c', 'dpkg-deb --fsys-tarfile "$0" | tar -t', $package), qr{^(?:\./)?(.+)}m);
}

sub read_package {
    my ($package) = @_;
    my %member = members($package, qw(control md5sums conffiles));
    my $control = $member{control} // die "$package: it has no control file\n";
    my $holds   = holds(files($package, grep { defined } @member{qw(md5sums conffiles)}));
    print "X-Debate-Holds: $holds\n" if $holds ne '';
    print $control;
}

1;
