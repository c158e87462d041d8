# Completion of doit's tasks for fish, by doit's own list of them.
#   cp completion/doit.fish ~/.config/fish/completions/
complete -c doit -f
complete -c doit -a '(doit list --all 2> /dev/null | string replace -r "^(\S+)\s+" "\$1\t")'
complete -c doit -n 'not __fish_seen_subcommand_from (doit list --all --quiet 2> /dev/null)' -a 'help list info clean forget'
complete -c doit -s v -l verbose -d 'the output of each step'
complete -c doit -s c -l continue -d 'go on with others where one fails'
complete -c doit -s n -l process -x -d 'steps at a time'
