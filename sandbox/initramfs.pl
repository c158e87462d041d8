# Unpacks the regular files of an initramfs: archives one after the other, of which the last one may be compressed.
# Links, devices and modes are left out, for what counts is the content. A file whose name another one has already is
# put below again-NUMBER.
# usage: initramfs.pl IMAGE DIRECTORY [names], which prints the names of everything, and unpacks nothing
# Source: https://docs.kernel.org/driver-api/early-userspace/buffer-format.html
use strict;
use warnings;
use Fcntl qw(:DEFAULT :mode :seek);

my %UNPACK = (    # how it begins => what unpacks it
    "\x28\xb5\x2f\xfd"  => 'zstd -q -dc',
    "\x1f\x8b"          => 'zstd -q -dc --format=gzip',
    "\xfd7zXZ\0"        => 'zstd -q -dc --format=xz',
    "\x5d\0\0"          => 'zstd -q -dc --format=lzma',
    "\x02\x21\x4c\x18"  => 'lz4 -q -dc',
    "\x04\x22\x4d\x18"  => 'lz4 -q -dc',
    "BZh"               => 'bzip2 -q -dc',
    "\x89LZO\0"         => 'lzop -q -dc',
);
my ($NAME, $BLOCK, $DEPTH) = (4096, 1 << 20, 4);    # Bytes of a name; read at once; archives in one another.
my ($image, $to, $names) = @ARGV;
my $again = 0;

sub refuse {
    my ($fact) = @_;
    open(my $out, '>>', '/run/problems') or die "/run/problems: $!";
    print $out join("\0", 'initrd', '', "the initramfs cannot be searched for secrets: $fact",
        'choose another initrd.compression, or leave out the hook that changes its form', '');
    close($out) or die "/run/problems: $!";
    exit 1;
}

# The next bytes of a file, SIZE of them unless it ends before.
sub take {
    my ($in, $size) = @_;
    my $data = '';
    while (length($data) < $size) {
        my $read = sysread($in, $data, $size - length($data), length($data)) // die "$image: $!";
        last unless $read;
    }
    return $data;
}

# Where a file of this name goes.
sub place {
    my ($name) = @_;
    my @parts = grep { length && $_ ne '.' } split m{/}, $name;
    refuse('it has a name with ..') if grep { $_ eq '..' } @parts;
    my $file = pop @parts;
    refuse('it has a file without a name') unless defined $file;
    for my $root ($to, "$to/again-" . ($again + 1)) {
        my ($path, $free) = ($root, 1);
        for my $part ('', @parts) {
            $path .= "/$part" if length $part;
            $free = mkdir($path) || -d $path or last;
        }
        return "$path/$file" if $free && !-e "$path/$file";
        $again++;
    }
    die "$to: $name has no place: $!";
}

# Copies the next SIZE bytes.
sub copy {
    my ($in, $size, $path) = @_;
    sysopen(my $out, $path, O_WRONLY | O_CREAT | O_EXCL) or die "$path: $!";
    while ($size > 0) {
        my $data = take($in, $size < $BLOCK ? $size : $BLOCK);
        refuse('it ends within a file') unless length $data;
        my $done = 0;
        $done += syswrite($out, $data, length($data) - $done, $done) // die "$path: $!" while $done < length $data;
        $size -= length $data;
    }
    close($out) or die "$path: $!";
}

sub unpack_all {
    my ($path, $depth) = @_;
    refuse('it is packed too often') if $depth > $DEPTH;
    sysopen(my $in, $path, O_RDONLY) or die "$path: $!";
    my ($at, $size) = (0, -s $in);
    while ($at < $size) {
        sysseek($in, $at, SEEK_SET) // die "$path: $!";
        my $head = take($in, 110);
        if ($head =~ /^\0+/) {    # What fills up to the next block.
            $at += $+[0];
            next;
        }
        if ($head =~ /^07070[12]([0-9A-Fa-f]{104})\z/) {
            my ($mode, $bytes, $length) = map { hex substr($1, 8 * $_, 8) } 1, 6, 11;
            refuse('it has a name that is too long') if !$length || $length > $NAME;
            my $name = take($in, $length);
            $name =~ s/\0.*//s;
            my $start = $at + 110 + $length;
            $start += -$start % 4;
            refuse('it ends within a file') if $start + $bytes > $size;
            sysseek($in, $start, SEEK_SET) // die "$path: $!";
            if ($names) {
                print "$name\n" if $name !~ /\n/;
            } elsif (S_ISREG($mode) && $bytes) {
                copy($in, $bytes, place($name));
            }
            $at = $start + $bytes;
            $at += -$at % 4;
            next;
        }
        my ($begin) = grep { substr($head, 0, length) eq $_ } sort keys %UNPACK;
        refuse("unknown form at byte $at") unless defined $begin;
        my $inner = "$to.$depth";
        sysseek($in, $at, SEEK_SET) // die "$path: $!";
        open(STDIN, '<&', $in) or die "$path: $!";
        system("$UNPACK{$begin} > '$inner'") == 0 or refuse((split / /, $UNPACK{$begin})[0] . ' cannot unpack it');
        unpack_all($inner, $depth + 1);
        unlink($inner);
        return;
    }
}

mkdir($to) or die "$to: $!";
unpack_all($image, 0);
