# Read by bash before a hook (BASH_ENV): reports the line that failed. Does not affect programs that the hook starts.
unset BASH_ENV
set -E
trap 'echo "debate: hook $DEBATE_HOOK: line $LINENO: exit status $?: $BASH_COMMAND" >&2' ERR
