# For `holds TEXT, FORM`: what of the files of a package matters to kernel and initramfs, by their names without a leading
# slash, which are what FORM matches and takes of TEXT, as one line of words: `initrd` for modules, firmware, hooks, scripts
# and modules of an initramfs generator, and what these read: configuration of modprobe and of generators, rules of udev,
# names of network interfaces, and splash screens; `kernel=VERSION` for a kernel; `headers=VERSION` for what modules of that
# kernel are built with; `dkms` for the source of such modules.
use strict;
use warnings;

my $VERSION = qr/[A-Za-z0-9.+~_-]+/;
my $INITRD  = qr{
    ^lib/(modules|firmware|dracut|initcpio)/. | ^(usr/share|etc)/initramfs-tools/(hooks|scripts|conf|modules)
    | ^(etc|lib)/(modprobe\.d|depmod\.d)/. | ^etc/(dracut|mkinitcpio)\.conf\.d/. | ^etc/udev/rules\.d/.
    | ^lib/systemd/network/.*\.link\z | ^usr/share/plymouth/. | ^lib/([^/]+/)?plymouth/.
    | ^boot/(vmlinu|[^/]+-ucode\.img\z)
}x;

sub holds {
    my ($text, $form) = @_;
    my (@words, %told);
    while ($text =~ /$form/g) {    # One at a time: the list of a hostile package can have millions.
        (my $path = $1) =~ s{^usr/lib/}{lib/};
        my @found;
        push @found, "kernel=$1"  if $path =~ m{^lib/modules/($VERSION)/vmlinuz\z};
        push @found, "headers=$1" if $path =~ m{^lib/modules/($VERSION)/build/Module\.symvers\z};
        push @found, "headers=$1" if $path =~ m{^usr/src/linux-headers-($VERSION)/Module\.symvers\z};
        push @found, 'dkms'       if $path =~ m{^usr/src/[^/]+/dkms\.conf\z};
        push @found, "kernel=$1"  if $path =~ m{^boot/vmlinuz-($VERSION)\z};
        push @found, 'initrd'     if $path !~ m{^lib/modules/[^/]+/(build|source)/} && $path =~ $INITRD;
        push @words, grep { !$told{$_}++ } @found;
    }
    return join(' ', @words);
}

1;
