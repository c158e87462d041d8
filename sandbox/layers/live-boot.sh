# Read by live-boot after its own parts, of which it replaces two functions. verify.sh stands before it.
# Sources: 0030-verify-checksums, 9990-main.sh and 9990-misc-helpers.sh of live-boot.
# in: LIVE_BOOT_CMDLINE (the kernel's command line), custom_overlay_label (of `persistence`)

# Argument: where the medium is mounted. live-boot's own restarts the machine after a check that finds nothing wrong, and
# says what it finds on a console that nobody sees. `panic` of live-boot cannot be left, for it closes what is restored later.
Verify_checksums ()
{
	case " ${LIVE_BOOT_CMDLINE} " in
		*" verify-checksums "*) ;;
		*) return 0 ;;
	esac
	! verify_medium "${1}" || return 0
	! plymouth --ping 2> /dev/null || plymouth quit
	tell "The medium is damaged:${damaged}"
	tell "Do not use it. To start it nevertheless, enter: exit"
	PS1='(initramfs) ' sh -i < /dev/console > /dev/console 2>&1 || true
}

# Argument: a device. live-boot's own asks for the passphrase of each encrypted device that there is.
is_luks_partition ()
{
	[ "$(/sbin/blkid -s TYPE -o value "${1}")" = crypto_LUKS ] &&
		[ "$(/sbin/blkid -s LABEL -o value "${1}")" = "${custom_overlay_label}" ]
}
