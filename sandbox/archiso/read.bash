# What `read.sh` runs: profiledef.sh needs bash.
names='iso_name iso_label iso_publisher iso_application iso_version install_dir arch buildmodes bootmodes pacman_conf
    airootfs_image_type airootfs_image_tool_options bootstrap_tarball_compression file_permissions bootstrap_parent
    cert_list'
declare -A file_permissions=()
# shellcheck disable=SC1091
. /run/in/profiledef.sh > /dev/null || { echo "debate: profiledef.sh ends with status $?" >&2; exit 1; }
exec > /run/out/variables
for name in $names; do
    kind=$(declare -p "$name" 2> /dev/null) || continue
    declare -n value=$name
    case $kind in
    'declare -A'*)
        printf '%s\0%d\0' "$name" $((2 * ${#value[@]}))
        for key in "${!value[@]}"; do printf '%s\0%s\0' "$key" "${value[$key]}"; done
        ;;
    *)
        printf '%s\0%d\0' "$name" "${#value[@]}"
        [ "${#value[@]}" -eq 0 ] || printf '%s\0' "${value[@]}"
        ;;
    esac
    unset -n value
done
