# Sourced for `problem FIELD VALUE FACT [REMEDY]`, which says that VALUE below the profile's FIELD is wrong, and for
# `stop_on_problems`. FIELD is empty where something else than the profile is wrong, VALUE where all of the field is.
# The builder reads what is wrong here and nowhere else: in the log everything that runs can write whatever it likes.
problems=0
problem() {
    printf '%s\0' "$1" "$2" "$3" "${4-}" >> /run/problems
    problems=$((problems + 1))
}

stop_on_problems() {
    [ "$problems" -eq 0 ] || exit 1
}
