# For `read_package PATH`, which prints the metadata of a package as an entry of a pacman database, after a line that says
# what it has for kernel and initramfs (see ../holds.pl). Nothing of the package is unpacked.
use strict;
use warnings;
require '/run/step/holds.pl';
require '/run/step/output.pl';

# .PKGINFO's name and the database's, in the order of the latter.
my @FIELDS = (
    [pkgname => 'NAME'], [pkgver => 'VERSION'], [pkgbase => 'BASE'], [arch => 'ARCH'], [size => 'ISIZE'],
    [replaces => 'REPLACES'], [conflict => 'CONFLICTS'], [provides => 'PROVIDES'], [depend => 'DEPENDS'],
);

# A member of a package, read by a command of the shell. It is at the start of its archive, so with --occurrence tar does
# not read the rest.
sub member {
    my ($package, $name, $then) = @_;
    return output_of($package, 'sh', '-c', 'tar -x -O -f "$0" --occurrence=1 "$1"' . ($then // ''), $package, $name);
}

sub read_package {
    my ($package) = @_;
    my $tree = member($package, '.MTREE', ' | gzip -dc');
    die "$package: it has no list of files\n" if $tree eq '';
    print '#', holds($tree, qr{^\./([^ \n]*)}m), "\n";
    my %values;
    for (split /\n/, member($package, '.PKGINFO')) {
        my ($name, $value) = split / = /, $_, 2;
        $values{$name} .= "$value\n" if defined($value) && $value ne '';
    }
    for (@FIELDS) {
        my ($name, $field) = @$_;
        print "%$field%\n$values{$name}\n" if exists $values{$name};
    }
}

1;
