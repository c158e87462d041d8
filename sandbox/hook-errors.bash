# Read by bash before a hook (BASH_ENV): says which line failed. Not for what the hook starts.
unset BASH_ENV
set -E
trap 'echo "debate: hook $DEBATE_HOOK: line $LINENO: exit status $?: $BASH_COMMAND" >&2' ERR
