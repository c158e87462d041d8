# space.pl FILES LISTS SAMPLE: prints what the files of the system in the working directory take, by directory and by
# package, and writes a sample of them. See space.sh.
# Files are lines of links, a number, bytes and a path, which end with NUL; of several links to one file the first counts.
use strict;
use warnings;

# A sample has at most so many blocks of the size that squashfs compresses at once, each from another part of the system.
my ($BLOCK, $BLOCKS) = (1 << 20, 32);
# How deep directories are told, and the share of the whole below which they are not.
my ($DEPTH, $LEAST) = (4, 200);

my ($files, $lists, $sample) = @ARGV;
local $/ = "\0";

# Packages from before the merge of /usr have files in /bin and /lib.
my %merged = map { my $to = readlink($_); defined($to) && $to =~ m{^/?usr/\Q$_\E/?\z} ? ($_ => 1) : () } qw(bin sbin lib lib32 lib64 libx32);

my (%owner, @found, %seen, %directory, %package);
open(my $named, '<', $lists) or die "$lists: $!\n";
while (my $list = <$named>) {
    chomp($list);
    my ($name) = $list =~ m{/([^/]+)-[^/-]+-[^/-]+/files\z} ? $1 : $list =~ m{/([^/:]+)(?::[^/]*)?\.list\z};
    defined($name) or next;
    open(my $lines, '<', $list) or die "$list: $!\n";
    local $/ = "\n";
    while (my $path = <$lines>) {
        chomp($path);
        $path =~ s{^/}{};
        my ($top) = split(m{/}, $path, 2);
        $path = "usr/$path" if defined($top) && $merged{$top};
        $owner{$path} //= $name;
    }
}

my $total = 0;
open(my $listed, '<', $files) or die "$files: $!\n";
while (my $line = <$listed>) {
    chomp($line);
    my ($links, $number, $size, $path) = $line =~ /\A(\d+) ([0-9.]+) (\d+) (.*)\z/s or die "a file without a size\n";
    next if $links > 1 && $seen{$number}++;
    $total += $size;
    push(@found, [$size, $path]);
    $package{$owner{$path} // '-'} += $size;
    my @parts = split(m{/}, $path);
    pop(@parts);
    splice(@parts, $DEPTH) if @parts > $DEPTH;
    while (@parts) {
        $directory{join('/', @parts)} += $size;
        pop(@parts);
    }
}

sub told {
    my ($kind, $size, $name) = @_;
    $name =~ s/[^ -~]/?/g;
    printf("%s\t%d\t%s\n", $kind, $size, substr($name, 0, 400));
}

told('total', $total, '-');
told('directory', $directory{$_}, $_) for grep { $directory{$_} * $LEAST >= $total } sort keys %directory;
told('package', $package{$_}, $_) for sort keys %package;

# The system as one stream of its files, of which a block is taken at each of as many steps. A block begins where one of
# squashfs does; what is left of it is filled with the files that follow, as squashfs packs the ends of files together.
my ($at, $next, $taken) = (0, 0, 0);
my $step = $total / $BLOCKS;
$step = $BLOCK if $step < $BLOCK;
open(my $out, '>', $sample) or die "$sample: $!\n";
binmode($out);
for (my $number = 0; $number < @found; $number++) {
    my ($size) = @{$found[$number]};
    while ($at + $size > $next) {
        my $start = $next > $at ? int(($next - $at) / $BLOCK) * $BLOCK : 0;
        my ($left, $from) = ($BLOCK, $number);
        while ($left > 0 && $from < @found) {
            open(my $in, '<', "./$found[$from][1]") or die "$found[$from][1]: $!\n";
            binmode($in);
            seek($in, $start, 0);
            my $got = read($in, my $data, $left) // die "$found[$from][1]: $!\n";
            print $out $data;
            ($left, $start, $from) = ($left - $got, 0, $from + 1);
        }
        $taken += $BLOCK - $left;
        $next += $step;
    }
    $at += $size;
}
close($out) or die "$sample: $!\n";
told('sample', $taken, '-');
