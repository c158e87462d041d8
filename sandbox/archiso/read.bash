# Run by `read.sh`, since profiledef.sh needs bash.
# Writes all variables that profiledef.sh sets, so that those without a counterpart can be reported, but not bash's own.
debate_before=" $(compgen -v | tr '\n' ' ')debate_before debate_name debate_value _ PIPESTATUS OLDPWD BASH_REMATCH "
declare -A file_permissions=()
# shellcheck disable=SC1091
. /run/in/profiledef.sh > /dev/null || { echo "debate: profiledef.sh ends with status $?" >&2; exit 1; }
set +eu
exec > /run/out/variables
for debate_name in $(compgen -v); do
    case $debate_before in *" $debate_name "*) continue ;; esac
    declare -n debate_value=$debate_name
    case $(declare -p "$debate_name" 2> /dev/null) in
    'declare -A'*)
        printf '%s\0%d\0' "$debate_name" $((2 * ${#debate_value[@]}))
        for debate_key in "${!debate_value[@]}"; do printf '%s\0%s\0' "$debate_key" "${debate_value[$debate_key]}"; done
        ;;
    *)
        printf '%s\0%d\0' "$debate_name" "${#debate_value[@]}"
        [ "${#debate_value[@]}" -eq 0 ] || printf '%s\0' "${debate_value[@]}"
        ;;
    esac
    unset -n debate_value
done
