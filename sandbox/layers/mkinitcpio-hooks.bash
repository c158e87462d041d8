# The end of mkinitcpio's configuration. A profile's own may have set HOOKS anew: live_layers must come after archiso.
# Microcode that a package has is for the processors of all machines. Other hooks are added where the profile has the file
# that they read (`heard`), and what they run.
case " ${HOOKS[*]} " in
*' live_layers '*) ;;
*' archiso '*) read -ra HOOKS <<< "$(printf '%s ' "${HOOKS[@]}" | sed 's/\(^\| \)archiso /&live_layers /')" ;;
*) echo "==> ERROR: HOOKS lacks archiso, without which no live system boots" >&2 ;;
esac
if compgen -G '/boot/*-ucode.img' > /dev/null && [[ -e /usr/lib/initcpio/install/microcode ]] && [[ " ${HOOKS[*]} " != *' microcode '* ]]; then
    HOOKS+=(microcode)
fi
# add HOOK OTHER …: adds it where there is one, and none of the others does the same.
add() {
    local name
    for name in "$@"; do
        [[ " ${HOOKS[*]} " != *" $name "* ]] || return 0
    done
    [[ ! -e /usr/lib/initcpio/install/$1 && ! -e /etc/initcpio/install/$1 ]] || HOOKS+=("$1")
}
add plymouth sd-plymouth
for file in $heard; do
    case $file in
    etc/vconsole.conf) add keymap sd-vconsole ;;
    etc/mdadm.conf) ! command -v mdmon > /dev/null || add mdadm_udev ;;
    etc/lvm/*) ! { command -v lvm && command -v pdata_tools; } > /dev/null || add lvm2 sd-lvm2 ;;
    esac
done
# After archiso, whose way to mount the medium they replace.
if [[ ${network-} ]]; then
    read -ra HOOKS <<< "$(printf '%s ' "${HOOKS[@]}" | sed 's/\(^\| \)archiso /&archiso_pxe_common archiso_pxe_http /')"
fi
unset -f add
unset file heard network
