# Sourced for `problem FIELD VALUE FACT [REMEDY]`, which reports a problem with VALUE in the profile's FIELD, and for
# `stop_on_problems`. FIELD is empty if the problem is not one of the profile, VALUE if it is one of the whole field.
# Without a FIELD, VALUE can be the address of the file that is wrong.
# The builder reads problems only from this file, since every program can write anything to the log.
problems=0
problem() {
    printf '%s\0' "$1" "$2" "$3" "${4-}" >> /run/problems
    problems=$((problems + 1))
}

stop_on_problems() {
    [ "$problems" -eq 0 ] || exit 1
}
