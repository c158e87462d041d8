# Copies shim without the certificate that it was built with, so that it starts only what the firmware's own certificates,
# or those of the machine's owner, allow.
# arguments: a file, the new file
# Sources: PE Format (Microsoft), COFF File Header and Section Table; cert_table in shim's shim.h, cert.S: four numbers of 32
# bits, the sizes of what is allowed and denied and their distances from the table.
use strict;
use warnings;

my ($path, $target) = @ARGV;
open my $file, '<:raw', $path or die "$path: $!\n";
my $shim = do { local $/; <$file> };

my $pe = unpack 'V', substr $shim, 0x3c, 4;
substr($shim, $pe, 4) eq "PE\0\0" or die "$path: no program of UEFI\n";
my ($sections, $symbols, $number, $optional) = unpack 'x6 v x4 V V v', substr $shim, $pe, 24;
my $strings = $symbols + 18 * $number;
my $place;
for my $index (0 .. $sections - 1) {
    my ($name, $start) = unpack 'Z8 x12 V', substr $shim, $pe + 24 + $optional + 40 * $index, 40;
    $name = unpack 'Z*', substr $shim, $strings + $1, 64 if $name =~ m{^/(\d+)$};
    $place = $start if $name eq '.vendor_cert';
}
defined $place or die "$path: no certificate of its maker\n";
my ($allowed, $denied, $first, $second) = unpack 'V4', substr $shim, $place, 16;
$first == 16 && $second == 16 + $allowed or die "$path: another table of certificates\n";
substr $shim, $place, 4, pack 'V', 0;
substr $shim, $place + $first, $allowed, "\0" x $allowed;

open my $out, '>:raw', $target or die "$target: $!\n";
print $out $shim or die "$target: $!\n";
close $out or die "$target: $!\n";
