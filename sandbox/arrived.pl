# Compares each path that the profile asks for with what is in /run/layers: kind, mode, owner, content or target, and no
# attributes (capabilities, ACLs) besides; each user; and the state of each unit. Shares no code with overlay.sh, whose work it judges.
# Packages have written to that tree. So links are followed here, by their names, as the live system does it, since the
# kernel would leave the tree; nothing but regular files is opened.
# in: wanted (lines of path, kind, mode, owner, group, SHA-256 or target, with tabs between and - for what is not asked),
#     users, services (see overlay.sh)
use strict;
use warnings;
use Digest::SHA;
use Fcntl qw(:DEFAULT :mode);
use POSIX ();

my $ROOT = '/run/layers';
my %LLISTXATTR = (x86_64 => 194, aarch64 => 12);    # its number; see syscall(2)
my $call       = $LLISTXATTR{ (POSIX::uname())[4] };
my $MOST       = 20;                                # problems that are told
my $problems   = 0;

sub problem {
    my ($field, $value, $fact, $remedy) = @_;
    return if $problems++ >= $MOST;
    open(my $out, '>>', '/run/problems') or die "/run/problems: $!";
    print $out join("\0", $field, $value, $fact, $remedy, '');
    close($out) or die "/run/problems: $!";
}

# Where a path is, without links on the way; of a link at its end only with $last. Empty for what leads nowhere.
sub resolved {
    my ($path, $last) = @_;
    my @left = grep { length && $_ ne '.' } split m{/}, $path;
    my ($found, $links) = ('', 0);
    while (@left) {
        my $part = shift @left;
        if ($part eq '..') { $found =~ s{/[^/]*\z}{}; next }
        if ((@left || $last) && defined(my $target = readlink("$ROOT$found/$part"))) {
            return '' if ++$links > 40;
            unshift @left, grep { length && $_ ne '.' } split m{/}, $target;
            $found = '' if $target =~ m{^/};
            next;
        }
        $found .= "/$part";
    }
    return $found eq '' ? '/' : $found;
}

# A regular file, opened; undef for anything else.
sub opened {
    my ($path) = @_;
    my @found = lstat("$ROOT$path") or return;
    return unless S_ISREG($found[2]);
    sysopen(my $file, "$ROOT$path", O_RDONLY | O_NOFOLLOW | O_NONBLOCK) or return;
    return $file;
}

# Name -> fields of its line.
sub database {
    my ($name) = @_;
    my $file = opened(resolved("/etc/$name", 1)) or return {};
    my %lines;
    while (my $line = <$file>) {
        chomp $line;
        my @fields = split /:/, $line, -1;
        $lines{ $fields[0] } = \@fields if @fields;
    }
    return \%lines;
}

sub kind {
    my ($mode) = @_;
    return S_ISREG($mode) ? 'file' : S_ISDIR($mode) ? 'directory' : S_ISLNK($mode) ? 'link' : 'special file';
}

sub attributes {
    my ($path) = @_;
    my ($buffer, $name) = ("\0" x 65536, "$path");
    my $size = defined $call ? syscall($call, $name, $buffer, 65536) : 0;
    return $size > 0 ? grep { !/^(security\.selinux|trusted\..*|user\.overlay\..*)\z/ } split /\0/, substr($buffer, 0, $size) : ();
}

my ($passwd, $group, $shadow) = map { database($_) } qw(passwd group shadow);
my $REMEDY = 'see the log; if a package or another field of the profile puts something else there, keep one';

sub id {
    my ($database, $name) = @_;
    return $name if $name =~ /^[0-9]+\z/;
    return defined $database->{$name} ? $database->{$name}[2] : -1;
}

sub compare {
    my ($path, $kind, $mode, $owner, $owners, $content, $real) = @_;
    my $place = "$ROOT$real";
    my @has   = $real eq '' ? () : lstat($place);
    if (!@has) {
        problem('files', $path, "$path did not get into the system", 'choose another path, which nothing removes or hides');
        return;
    }
    my $found = kind($has[2]);
    if ($kind ne '-' && $kind ne $found) {
        problem('files', $path, "$path: the profile has a $kind, and the system a $found", $REMEDY);
        return;
    }
    my $bits = sprintf('%04o', $has[2] & 07777);
    if ($mode ne '-' && $found ne 'link' && oct($mode) != ($has[2] & 07777)) {
        problem('files', $path, "$path: the profile has mode $mode, and the system $bits", $REMEDY);
    }
    if (($owner ne '-' && id($passwd, $owner) != $has[4]) || ($owners ne '-' && id($group, $owners) != $has[5])) {
        problem('files', $path, "$path: the profile has the owner $owner:$owners, and the system $has[4]:$has[5]", $REMEDY);
    }
    return if $kind eq '-' || $kind eq 'directory';
    if ($found eq 'link') {
        my $target = readlink($place);
        problem('files', $path, "$path: the profile has a link to $content, and the system one to $target", $REMEDY)
            if $target ne $content;
    }
    else {
        my $file = opened($real) or die "$path: $!";
        problem('files', $path, "$path: the system has another content", $REMEDY)
            if Digest::SHA->new(256)->addfile($file)->hexdigest ne $content;
    }
    my @more = attributes($place);
    problem('files', $path, "$path has attributes that the profile did not ask for: @more", $REMEDY) if @more;
}

# True if two permissions of one file say different things of its mode, owner or group.
sub differ {
    my ($one, $other) = @_;
    my @of = (sub { oct($_[0]) }, sub { id($passwd, $_[0]) }, sub { id($group, $_[0]) });
    return grep { my @has = ($one->[2 + $_], $other->[2 + $_]); !(grep { $_ eq '-' } @has) && $of[$_]->($has[0]) != $of[$_]->($has[1]) } 0 .. 2;
}

my (%wanted, %permitted, @order);
open(my $list, '<', '/run/in/wanted') or die "wanted: $!";
while (my $line = <$list>) {
    chomp $line;
    my @asked = split /\t/, $line, -1;
    my $real  = resolved($asked[0], $asked[1] eq 'directory');
    my $other = $wanted{$real};
    if ($asked[1] eq '-') {    # permissions, which come last
        my $same = $permitted{$real};
        problem('permissions', $asked[0], "$asked[0] and $same->[0] are the same file in the system: $real", 'keep one')
            if $same && differ($same, \@asked);
        $permitted{$real} = [@asked];
    }
    if (!$other) {
        $wanted{$real} = \@asked;
        push @order, $real;
    }
    elsif ($asked[1] eq '-') {
        for (2 .. 4) { $other->[$_] = $asked[$_] if $asked[$_] ne '-' }
    }
    elsif ($asked[1] ne 'directory' || $other->[1] ne 'directory') {
        problem('files', $asked[0], "$asked[0] and $other->[0] are the same $asked[1] in the system: $real", 'keep one');
        @$other[1 .. 4] = ('-') x 4;
    }
}
open(my $lines, '<', '/run/in/users') or die "users: $!";
chomp(my @users = <$lines>);

# What is asked for in /etc/skel is in each home, unless something else is asked for there.
for my $asked (map { $wanted{$_} } @order) {
    my ($file) = $asked->[0] =~ m{^/etc/skel(/.+)} or next;
    for my $name (grep { $_ ne 'root' } map { /^([^:]*)/ } @users) {
        my $path = "/home/$name$file";
        my $real = resolved($path, $asked->[1] eq 'directory');
        $wanted{$real} //= [$path, @$asked[1, 2], $asked->[2] eq '-' ? ('-', '-') : ($name, $name), $asked->[5]];
    }
}
compare(@{ $wanted{$_} }, $_) for sort keys %wanted;

for my $line (@users) {
    my ($name, $uid, $shell, $groups, $full, $hash) = split /:/, $line, -1;
    my $has = $passwd->{$name};
    my @wrong;
    if (!$has) {
        @wrong = ('is not in /etc/passwd');
    }
    else {
        my $home = $name eq 'root' ? '/root' : "/home/$name";
        push @wrong, "has uid $has->[2]"                  if $uid ne '' && $uid ne $has->[2];
        push @wrong, "has the full name '$has->[4]'"      if $has->[4] ne $full && ($name ne 'root' || $full ne '');
        push @wrong, "has the home $has->[5], not $home"  if $has->[5] ne $home;
        push @wrong, "has the shell $has->[6]"            if $has->[6] ne $shell;
        my @same = sort grep { $_ ne $name && ($passwd->{$_}[2] // '') eq $has->[2] } keys %$passwd;
        push @wrong, "has the uid $has->[2] of @same"     if @same;
        push @wrong, "has the gid $has->[3], which is not that of its group"
            if $name ne 'root' && (!$group->{$name} || $group->{$name}[2] ne $has->[3]);
        push @wrong, 'has another password'               if !$shadow->{$name} || $shadow->{$name}[1] ne $hash;
        for my $one (split /,/, $groups) {
            my $line = $group->{$one};
            push @wrong, "is not in the group $one"
                unless $line && ($line->[2] eq $has->[3] || grep { $_ eq $name } split /,/, $line->[3]);
        }
    }
    problem('users', $name, "$name $_ in the system", 'leave the user and its group out of files such as /etc/passwd')
        for @wrong;
}
# Units: the links that systemd reads at boot, and what their files say.
my $ETC   = '/etc/systemd/system';
my @UNITS = ($ETC, '/usr/local/lib/systemd/system', '/usr/lib/systemd/system', '/lib/systemd/system');

sub names {
    my ($directory) = @_;
    my $real = resolved($directory, 1);
    opendir(my $entries, "$ROOT$real") or return;
    return map { [$_, "$real/$_"] } grep { !/^\.\.?\z/ } readdir $entries;
}

# Name -> what starts it: the units of whose .wants, .requires and .upholds it is, here and in @_.
sub started {
    my %by;
    for my $directory (@_) {
        for (names($directory)) {
            my ($name, $path) = @$_;
            next unless $name =~ /\.(wants|requires|upholds)\z/;
            my $unit = $name =~ s/\.\w+\z//r;
            push @{ $by{ $_->[0] } }, $unit for grep { (readlink("$ROOT$_->[1]") // '') ne '/dev/null' } names($path);
        }
    }
    return \%by;
}

my %ours  = %{ started($ETC) };
my %given = %{ started(@UNITS[1 .. 3]) };
my %alias;    # unit -> its other names
for (names($ETC)) {
    my $target = readlink("$ROOT$_->[1]") // next;
    my $unit   = $target =~ s{.*/}{}r;
    push @{ $alias{$unit} }, $_->[0] if $unit ne $_->[0] && $unit ne 'null';
}

# An instance may have dots, and @, in its name.
sub template { return $_[0] =~ s/@.*\./@./r }

sub masked {
    my ($unit) = @_;
    return (readlink("$ROOT" . resolved("$ETC/$unit", 0)) // '') eq '/dev/null';
}

# What masks a unit: itself, or its template, unless the unit has a file of its own.
sub mask_of {
    my ($unit) = @_;
    return $unit if masked($unit);
    my $template = template($unit);
    return masked($template) && !(grep { lstat("$ROOT" . resolved("$_/$unit", 0)) } @UNITS) ? $template : '';
}

# The file of a unit, or of its template, without links.
sub unit_file {
    my ($unit) = @_;
    for my $name ($unit, template($unit)) {
        for (@UNITS) {
            my $real = resolved("$_/$name", 1);
            return $real if lstat("$ROOT$real");
        }
    }
    return '';
}

# The values of a section in the file of a unit and in what adds to it, and which file takes them all back, by an empty value.
sub section {
    my ($unit, $wanted) = @_;
    my (%found, %emptied, %added);
    for my $name (template($unit) eq $unit ? $unit : (template($unit), $unit)) {
        for my $directory (map { "$_/$name.d" } reverse @UNITS) {
            $added{ $_->[0] } = "$directory/$_->[0]" for grep { $_->[0] =~ /\.conf\z/ } names($directory);
        }
    }
    for my $path (unit_file($unit), map { $added{$_} } sort keys %added) {
        my $file = opened(resolved($path, 1)) or next;
        my $section = '';
        while (my $line = <$file>) {
            $section = $1 if $line =~ /^\s*\[(.*)\]\s*$/;
            next if $section ne $wanted || $line !~ /^\s*(\w+)\s*=\s*(.*?)\s*$/;
            if    ($2 ne '')          { push @{ $found{$1} }, split ' ', $2 }
            elsif (delete $found{$1}) { $emptied{$1} = $path }
        }
    }
    delete @emptied{ keys %found };
    return wantarray ? (\%found, \%emptied) : \%found;
}

sub install { return scalar section($_[0], 'Install') }

# True if there is, or can be, a unit: those of other kinds, and instances, come from devices, /etc/fstab and generators.
sub exists_at_boot {
    my ($name) = @_;
    return 0 if mask_of($name);
    return 1 if $name !~ /\.(target|service|socket|timer|path)\z/ || $name =~ /@/;
    my $script = $name =~ s/\.service\z//r;
    return lstat("$ROOT/etc/init.d/$script") || grep { lstat("$ROOT" . resolved($_, 1) . "/$name") } @UNITS;
}

# Those of the units in @_ that have Also= for a unit.
sub together {
    my ($unit, @others) = @_;
    return grep { my $other = $_; $other ne $unit && grep { $_ eq $unit } @{ install($other)->{Also} // [] } } @others;
}

sub enabled {
    my ($unit, %seen) = @_;
    return 0 if mask_of($unit) || $seen{$unit}++;
    return 1 if $ours{$unit} || $alias{$unit};
    my $script = $unit =~ s/\.service\z//r;
    return 1 if grep { $_->[0] =~ /^S[0-9]+\Q$script\E\z/ } map { names("/etc/rc$_.d") } 2 .. 5;
    if ($unit =~ /^(.*@)\.(\w+)\z/) {    # a template is enabled with one of its instances
        my ($start, $end) = ($1, $2);
        return 1 if grep { /^\Q$start\E.+\.$end\z/ } keys %ours;
    }
    my $install = install($unit);
    return 0 if grep { $install->{$_} } qw(WantedBy RequiredBy UpheldBy Alias);
    return scalar grep { enabled($_, %seen) } @{ $install->{Also} // [] };
}

open(my $services, '<', '/run/in/services') or die "services: $!";
my @services = <$services>;
my @enable   = map { /^enable (\S+)/ } @services;

# Unit -> what starts it, of all that starts with default.target: by .wants and the like, by what unit files want, and by
# sockets, timers and paths for their services.
my $TRIGGER = qr/\.(socket|timer|path)\z/;
my $started;

sub boot {
    my (%by, %wants);
    for my $links (\%ours, \%given) {
        for my $unit (keys %$links) { push @{ $wants{$_} }, $unit for @{ $links->{$unit} } }
    }
    my @left = ('default.target');
    while (defined(my $name = shift @left)) {
        my $unit = unit_file($name) =~ s{.*/}{}r;
        $unit = $name if $unit eq '' || $unit eq template($name);
        next if mask_of($name) || mask_of($unit);
        my $file = section($unit, 'Unit');
        my @next = map { @{ $file->{$_} // [] } } qw(Wants Requires BindsTo Upholds);
        push @next, map { @{ $wants{$_} // [] } } $name eq $unit ? $name : ($name, $unit);
        if ($unit =~ $TRIGGER) {
            my $kind  = ucfirst $1;
            my $own   = section($unit, $kind);
            my $other = $own->{ $kind eq 'Socket' ? 'Service' : 'Unit' };
            push @next, $other ? @$other : $unit =~ s/$TRIGGER/.service/r
                if lc($own->{Accept}[-1] // 'no') !~ /^(1|yes|y|true|t|on)\z/;
        }
        for (@next) {
            push @left, $_ unless $by{$_};
            push @{ $by{$_} }, $unit;
        }
    }
    return \%by;
}

# starters UNIT: the units by which it starts at boot.
sub starters {
    my ($unit) = @_;
    $started //= boot();
    return @{ $started->{$unit} // [] };
}

# The generator that names the template of an instance, as that of PostgreSQL's clusters. Of gettys, debate knows more.
sub generator {
    my ($unit) = @_;
    return '' if $unit !~ /^(.+@).+\./ || $1 eq 'serial-getty@';
    my $start = $1;
    for my $directory (map { "$_/systemd/system-generators" } qw(/etc /usr/local/lib /usr/lib /lib)) {
        for (names($directory)) {
            my $file = opened(resolved("$directory/$_->[0]", 1)) or next;
            local $/;
            return $_->[0] if (<$file> // '') =~ /(?<![\w-])\Q$start\E/;
        }
    }
    return '';
}

sub unit {
    my ($verb, $unit) = @_;
    my ($by) = @{ $given{$unit} // [] };
    my ($install, $emptied) = section($unit, 'Install');
    my $script  = $unit =~ s/\.service\z//r;
    my $static  = !(grep { $install->{$_} } qw(WantedBy RequiredBy UpheldBy Alias Also)) && !lstat("$ROOT/etc/init.d/$script");
    if ($verb eq 'mask') {
        return masked($unit) ? () : ("$unit is not masked in the system", 'see the log');
    }
    if ($verb eq 'enable') {
        if (enabled($unit)) {
            my @by = @{ $ours{$unit} // [] };
            return if !@by || $alias{$unit} || grep { exists_at_boot($_) } @by;
            my ($mask) = grep { $_ } map { mask_of($_) } @by;
            return ("$unit is enabled for @by, which is masked, so nothing starts it", "keep one of the two") if $mask;
            return ("$unit is enabled for @by, which the system does not have, so nothing starts it",
                'add the package that has it, or a file ' . "$ETC/$unit.d/install.conf with [Install] and WantedBy=multi-user.target in it");
        }
        my $mask = mask_of($unit);
        return ("$unit is masked in the system", 'keep one of enable and mask') if $mask eq $unit;
        return ("$unit cannot start, since its template $mask is masked in the system", 'keep one') if $mask;
        return ("$unit cannot be enabled, since $_->[1] takes back its $_->[0]=", "leave it out, or write a unit behind $_->[0]= there")
            for map { [$_, $emptied->{$_}] } grep { $static } sort keys %$emptied;
        return ("$unit has no section [Install], so it cannot be enabled", $by
            ? "leave it out: $by starts it"
            : $unit =~ /\.target\z/
            ? "leave it out; to boot into it, write systemd.unit=$unit into boot.arguments"
            : "leave it out if another unit starts it, such as its socket or timer; or add a file $ETC/$unit.d/install.conf"
                . ' with [Install] and WantedBy=multi-user.target in it') if $static;
        return ("$unit has no instance to enable", 'write one, as in getty@tty2.service')
            if $unit =~ /@\./ && !$install->{DefaultInstance};
        my @gone = grep { !exists_at_boot($_) && !mask_of($_) } @{ $install->{Also} // [] };
        return ("$unit is not enabled in the system: it has nothing but Also=@gone, which the system does not have",
            'add the package that has it, or a file ' . "$ETC/$unit.d/install.conf with [Install] and WantedBy=multi-user.target in it")
            if @gone && !grep { $install->{$_} } qw(WantedBy RequiredBy UpheldBy Alias);
        return ("$unit is not enabled in the system", 'see the log');
    }
    return if mask_of($unit);
    return ("$unit is started by $by, whether it is enabled or not", 'mask it') if $by;
    my @starters = starters($unit);
    return ("$unit has no section [Install], so it cannot be disabled",
        @starters ? "mask it, or disable $starters[0], which starts it" : 'mask it, or disable what starts it') if $static;
    if (enabled($unit)) {
        my ($also) = together($unit, @enable);
        return ("$unit is still enabled in the system, since $also has Also=$unit", 'keep one of the two') if $also;
        my @by = @{ $ours{$unit} // [] };
        return ("$unit is still enabled in the system" . (@by ? ", for @by" : ''), 'see the log');
    }
    for my $other (@starters) {
        my $meant = $other =~ $TRIGGER;
        next if $meant && grep { $_ eq $other } @enable;
        return ("$unit is started by $other, whether it is enabled or not", $meant
            ? "disable that, too; mask $unit; or, if that is meant, write $other into enable" : 'mask it, or disable that, too');
    }
    if (my $generator = generator($unit)) {
        return ("$unit can be started by $generator, whether it is enabled or not", 'mask it');
    }
    my $id   = opened(resolved('/etc/machine-id', 1));
    my $text = $id ? (<$id> // '') : 'missing';
    return ("$unit is enabled again at the first boot, by systemd's presets, since /etc/machine-id is " . ($id ? 'uninitialized' : 'missing'),
        'mask it, or make that an empty file') if $text =~ /^(missing|uninitialized)\s*\z/;
    return;
}

for my $line (@services) {
    my ($verb, $unit) = split ' ', $line;
    my ($fact, $remedy) = unit($verb, $unit);
    problem('services', $unit, $fact, $remedy) if $fact;
}
exit($problems ? 1 : 0);
