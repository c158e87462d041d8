# The end of mkinitcpio's configuration. A profile's own may have set HOOKS anew: live_layers must come after archiso.
# Microcode that a package has is for the processors of all machines.
case " ${HOOKS[*]} " in
*' live_layers '*) ;;
*' archiso '*) read -ra HOOKS <<< "$(printf '%s ' "${HOOKS[@]}" | sed 's/\(^\| \)archiso /&live_layers /')" ;;
*) echo "==> ERROR: HOOKS lacks archiso, without which no live system boots" >&2 ;;
esac
if compgen -G '/boot/*-ucode.img' > /dev/null && [[ -e /usr/lib/initcpio/install/microcode ]] && [[ " ${HOOKS[*]} " != *' microcode '* ]]; then
    HOOKS+=(microcode)
fi
