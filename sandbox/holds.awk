# Reads the names of a package's files, without a leading slash. Prints what of them matters to kernel and initramfs, as
# one line of words: `initrd` for modules, firmware, hooks, scripts and modules of an initramfs generator, and what these
# read: configuration of modprobe and of generators, rules of udev, names of network interfaces, and splash screens;
# `kernel=VERSION` for a kernel; `headers=VERSION` for what modules of that kernel are built with; `dkms` for the source
# of such modules.
function told(word) { if (!seen[word]++) words = words (words == "" ? "" : " ") word }
function part(number,    parts) {
    split($0, parts, "/")
    return parts[number]
}
{ sub(/^usr\/lib\//, "lib/") }
/^lib\/modules\/[A-Za-z0-9.+~_-]+\/vmlinuz$/ { told("kernel=" part(3)) }
/^lib\/modules\/[A-Za-z0-9.+~_-]+\/build\/Module\.symvers$/ { told("headers=" part(3)) }
/^usr\/src\/linux-headers-[A-Za-z0-9.+~_-]+\/Module\.symvers$/ { told("headers=" substr(part(3), 15)) }
/^usr\/src\/[^\/]+\/dkms\.conf$/ { told("dkms") }
/^boot\/vmlinuz-[A-Za-z0-9.+~_-]+$/ { told("kernel=" substr(part(2), 9)) }
/^lib\/modules\/[^\/]+\/(build|source)\// { next }
/^lib\/(modules|firmware|dracut|initcpio)\/./ || /^(usr\/share|etc)\/initramfs-tools\/(hooks|scripts|conf|modules)/ ||
/^(etc|lib)\/(modprobe\.d|depmod\.d)\/./ || /^etc\/(dracut|mkinitcpio)\.conf\.d\/./ || /^etc\/udev\/rules\.d\/./ ||
/^lib\/systemd\/network\/.*\.link$/ || /^usr\/share\/plymouth\/./ || /^lib\/([^\/]+\/)?plymouth\/./ ||
/^boot\/(vmlinu|[^\/]+-ucode\.img$)/ { told("initrd") }
END { if (words != "") print words }
