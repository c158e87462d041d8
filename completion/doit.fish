# Completion of doit's tasks for fish, by doit's own list of them.
#   cp completion/doit.fish ~/.config/fish/completions/
# Made by `python -m debate.frontend.completion`; change it there.
complete -c doit -f
complete -c doit -n 'not __fish_seen_subcommand_from diff new validate' -a '(doit list --all 2> /dev/null | string replace -r "^(\S+)\s+" "\$1\t")'
complete -c doit -n '__fish_seen_subcommand_from diff new validate' -a '(doit list --all --quiet 2> /dev/null | string replace -rf "^build:" "")'
complete -c doit -n '__fish_is_first_token' -a 'help list info clean forget'
complete -c doit -s v -l verbose -d 'the output of each step'
complete -c doit -l format -x -a 'text github json' -d 'what to print'
complete -c doit -s c -l continue -d 'go on with others where one fails'
complete -c doit -s n -l process -x -d 'steps at a time'
complete -c doit -n '__fish_seen_subcommand_from gc' -l size -x -d 'size to shrink the cache to, such as 20G'
complete -c doit -n '__fish_seen_subcommand_from gc' -l age -x -d 'remove objects unused for this long, such as 30d'
complete -c doit -n '__fish_seen_subcommand_from import-archiso' -s d -l directory -r -F -d 'the directory to import'
complete -c doit -n '__fish_seen_subcommand_from import-archiso' -s n -l name -x -d 'name of the new profile'
complete -c doit -n '__fish_seen_subcommand_from import-live-build' -s d -l directory -r -F -d 'the directory to import'
complete -c doit -n '__fish_seen_subcommand_from import-live-build' -s n -l name -x -d 'name of the new profile'
complete -c doit -n '__fish_seen_subcommand_from new' -l from -x -d 'profile to extend (default: minimal)'
