# Prints what is worth a line about the packages in a system, where nothing of it runs any more: what of their files is not
# there, or not theirs, and which globs of the profile's image.exclude fit none of them.
# usage: remarks.pl SYSTEM [LAYER], with a LAYER on top of the system only of its packages: of those below it was said before.
# in: dpkg.cfg or noextract
# Sources: dpkg(1), dpkg-divert(1), fnmatch(3), alpm-files of https://alpm.archlinux.page.
use strict;
use warnings;

my $MOST = 50;    # Packages that are named.
my ($system, $layer) = @ARGV;

my @aside = qw(.pacnew .dpkg-new .dpkg-dist);    # What they call a file that they did not put in the place of another.

# What debate itself removes (clean.sh) or boots from the ISO (mksquashfs.sh), and where other file systems are mounted.
my $ours = qr{^/(?:run|tmp|dev|proc|sys|var/(?:run|lock|log|cache|lib/apt/lists|lib/pacman/sync)|etc/pacman\.d/gnupg)(?:/|$)
    |^/etc/(?:hostname|machine-id|resolv\.conf)$
    |^/boot/(?:vmlinuz-|System\.map-|[^/]*-ucode\.img$)|^(?:/usr)?/lib/modules/[^/]+/(?:vmlinuz|System\.map)$}x;

sub lines_of {
    my ($path) = @_;
    return () if -l $path || !-f $path;
    open(my $in, '<', $path) or die "$path: $!";
    chomp(my @lines = <$in>);
    return @lines;
}

sub names_in {
    my ($directory) = @_;
    opendir(my $in, $directory) or return ();
    return sort(readdir($in));
}

# As dpkg and pacman read it: a wildcard stands for a slash, too.
sub pattern {
    my ($glob) = @_;
    my $regex = '';
    while ($glob =~ /\G(?:(\*)|(\?)|\[(!?)([^\]]+)\]|(.))/gs) {
        my $class = '[' . ($3 ? '^' : '') . (($4 // '') =~ s/([^-\w])/\\$1/gr) . ']';
        $regex .= defined $1 ? '.*' : defined $2 ? '.' : defined $5 ? quotemeta($5) : $class;
    }
    return eval { qr/^$regex$/s } // qr/(?!)/;    # A reversed range fits nothing.
}

my @globs = map { /^(?:path-exclude=|NoExtract = )(.+)$/ ? '/' . ($1 =~ s{^/}{}r) : () }
    lines_of('/run/in/dpkg.cfg'), lines_of('/run/in/noextract');
my @patterns = map { pattern($_) } @globs;
my @used = map { 0 } @globs;

# Path => where it is instead, and the package whose own is in its place.
my %diverted;
my @diversions = lines_of("$system/var/lib/dpkg/diversions");
while (my ($from, $to, $by) = splice(@diversions, 0, 3)) {
    $diverted{$from} = [$to, $by // ''];
}

my %merged = map { $_ => 1 } grep { -l "$system/$_" } qw(bin sbin lib lib32 lib64 libx32);
my (%gone, @told);

# Directories of pacman's lists have a slash at the end, and that counts for its globs.
sub look {
    my ($package, $list, @paths) = @_;
    my $own = !defined $layer || lstat("$layer/$list");
    my %missing;
    for my $path (@paths) {
        my $excluded = 0;
        for my $n (0 .. $#patterns) {
            next unless $path =~ $patterns[$n];
            $used[$n] = $excluded = 1;
        }
        $path =~ s{/$}{};
        next if $excluded || !$own || $path =~ $ours;
        my $at = $path;
        $at = $diverted{$path}[0] if $diverted{$path} && $diverted{$path}[1] ne $package;
        $at =~ s{^/(\w+)(?=/)}{$merged{$1} ? "/usr/$1" : "/$1"}e;
        for my $aside ($at =~ m{^/etc/} ? grep { lstat("$system$at$_") } @aside : ()) {
            push(@told, "$package: $path was there before; what the package has is in $path$aside");
        }
        next if lstat("$system$at");
        my ($above) = $path =~ m{^(.*)/};
        $missing{$path} = 1;
        push(@{ $gone{$package} }, $path) unless $missing{$above};
    }
    return;
}

for my $name (names_in("$system/var/lib/dpkg/info")) {
    my ($package) = $name =~ /^([^:]+?)(?::[^:]*)?\.list$/ or next;
    my $list = "var/lib/dpkg/info/$name";
    look($package, $list, grep { m{^/[^/.]} } lines_of("$system/$list"));
}
for my $name (names_in("$system/var/lib/pacman/local")) {
    my ($package) = $name =~ /^(.+)-[^-]+-[^-]+$/ or next;
    my $inside = 0;
    my @paths;
    my $list = "var/lib/pacman/local/$name/files";
    for my $line (lines_of("$system/$list")) {
        if    ($line eq '%FILES%') { $inside = 1 }
        elsif ($line eq '')        { $inside = 0 }
        elsif ($inside)            { push(@paths, "/$line") }
    }
    look($package, $list, @paths);
}

for my $package (sort keys %gone) {
    my ($path, @more) = @{ $gone{$package} };
    my $said = @more ? sprintf('%s and %d more of its files are not there', $path, scalar @more) : "$path is not there";
    push(@told, "$package: $said, though it was installed: a script of a package removed or moved it");
}
splice(@told, $MOST, @told - $MOST, sprintf('%d more remarks like these', @told - $MOST)) if @told > $MOST;
my @useless = map { "image.exclude: $globs[$_] fits no file of a package" } grep { !$used[$_] } 0 .. $#globs;
splice(@useless, $MOST, @useless - $MOST, sprintf('image.exclude: %d more fit none', @useless - $MOST)) if @useless > $MOST;
push(@told, @useless);
for my $line (@told) {
    $line =~ s/[^ -~]/?/g;
    print substr($line, 0, 300), "\n";
}
