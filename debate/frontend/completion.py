"""Completion for bash, zsh and fish: commands and steps, then profiles, and options of commands.

python -m debate.frontend.completion > completion/doit.fish
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence

from debate.commands.command import Option, commands
from debate.frontend.words import FORMATS
from debate.steps.rules import rules

DOIT = ("help", "list", "info", "clean", "forget")
"""The commonly used ones of doit's own commands."""
RUN = (("c", "continue", "continue with other tasks if one fails"), ("n", "process", "number of steps at a time"))
"""The commonly used ones of doit's own options: letter, name, meaning."""

_GROUP = r"""(string replace -rf -- "^([^:]+):.*" "--all\n\$1" (commandline -ct))"""
"""What `doit list` is asked for, once the word has a colon: the tasks of one step or command."""
_TASKS = rf"""(env (commandline -opc)[1] list {_GROUP} 2> /dev/null | string replace -rf "^(\S+)\s+" "\$1\t")"""
_PROFILES = (
    r"""(env (commandline -opc)[1] list --all --quiet build 2> /dev/null | string replace -rf "^build:(\S+).*" "\$1")"""
)


def verbs() -> dict[str, str]:
    """What can be the first word -> what it does."""
    return {
        **{rule.name: rule.doc for rule in rules().values()},
        **{each.name: each.doc for each in commands().values()},
    }


def with_profiles() -> list[str]:
    """The words after which a profile can follow."""
    steps = [rule.name for rule in rules().values() if rule.profile]
    return sorted({*steps, *(each.name for each in commands().values() if each.names or each.per)})


def _options() -> dict[str, list[str]]:
    """Command or step -> its options, with their dashes."""
    return {name: [f"--{option.name}" for option in found] for name, found in _declared().items()}


def _declared() -> dict[str, Sequence[Option]]:
    of_rules = {rule.name: rule.options for rule in rules().values()}
    return {**of_rules, **{each.name: each.options for each in commands().values()}}


def bash() -> str:
    """For bash: `source <(debate tabcompletion --shell bash)`."""
    cases = "".join(f"    {name}) echo {' '.join(found)} ;;\n" for name, found in _options().items() if found)
    return f"""\
# Completes the words of doit and debate in bash.
_debate_profiles() {{ "$1" list --all --quiet build 2> /dev/null | sed -n 's/^build:\\([^ ]*\\).*/\\1/p'; }}
_debate_options() {{
    case $1 in
{cases}    esac
    echo --format --verbose --help
}}
_debate() {{
    local line=${{COMP_LINE:0:COMP_POINT}} cur='' verb='' word found
    local -a words
    read -ra words <<< "$line"
    [[ $line == *[[:space:]] ]] || {{ cur=${{words[-1]}}; unset 'words[-1]'; }}
    for word in "${{words[@]:1}}"; do
        case " {" ".join(verbs())} " in *" ${{word%%:*}} "*) verb=${{word%%:*}} ;; esac
    done
    case $cur in
    -*) found=$(_debate_options "$verb") ;;
    *:*) found=$(_debate_profiles "$1" | sed "s/^/${{cur%:*}}:/") ;;
    *)
        case " {" ".join(with_profiles())} " in
        *" $verb "*) found=$(_debate_profiles "$1") ;;
        *) found='{" ".join([*verbs(), *DOIT])}' ;;
        esac
        ;;
    esac
    COMPREPLY=($(compgen -W "$found" -- "$cur"))
    # readline completes what is behind the colon.
    [[ $cur != *:* || $COMP_WORDBREAKS != *:* ]] || COMPREPLY=("${{COMPREPLY[@]#"${{cur%:*}}:"}}")
}}
complete -F _debate doit debate
"""


def zsh() -> str:
    """For zsh: `source <(debate tabcompletion --shell zsh)`, after `compinit`."""
    cases = "".join(f"    {name}) found=({' '.join(found)}) ;;\n" for name, found in _options().items() if found)
    return f"""\
#compdef doit debate
# Completes the words of doit and debate in zsh.
_debate() {{
    local cur=$words[CURRENT] verb word
    local -a found verbs with_profiles profiles
    verbs=({" ".join(verbs())})
    with_profiles=({" ".join(with_profiles())})
    for word in ${{words[2,CURRENT-1]}}; do
        (( ! $verbs[(Ie)${{word%%:*}}] )) || verb=${{word%%:*}}
    done
    if [[ $cur == -* ]]; then
        case $verb in
{cases}        esac
        compadd -- $found --format --verbose --help
        return
    fi
    profiles=(${{(f)"$($words[1] list --all --quiet build 2> /dev/null | sed -n 's/^build:\\([^ ]*\\).*/\\1/p')"}})
    if [[ $cur == *:* ]]; then
        compadd -- ${{cur%:*}}:${{^profiles}}
    elif [[ -n $verb ]] && (( $with_profiles[(Ie)$verb] )); then
        compadd -- $profiles
    else
        compadd -- $verbs {" ".join(DOIT)}
    fi
}}
(( ! $+functions[compdef] )) || compdef _debate doit debate
"""


def _quoted(text: str) -> str:
    """``text`` in single quotes, as fish reads them."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def fish() -> str:
    """For fish: the text of completion/doit.fish."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# Completes the words of doit and debate in the fish shell."
    yield "#   cp completion/doit.fish ~/.config/fish/completions/"
    yield "# Generated by `python -m debate.frontend.completion`; edit that module instead."
    yield "complete -c doit -f"
    yield "complete -c debate --wraps doit"
    naming = " ".join(with_profiles())
    yield f"complete -c doit -n 'not __fish_seen_subcommand_from {naming}' -a '{_TASKS}'"
    yield f"complete -c doit -n '__fish_seen_subcommand_from {naming}' -a '{_PROFILES}'"
    for name, doc in verbs().items():
        yield f"complete -c doit -n '__fish_is_first_token' -a {name} -d {_quoted(doc)}"
    yield f"complete -c doit -n '__fish_is_first_token' -a '{' '.join(DOIT)}'"
    yield "complete -c doit -s v -l verbose -d 'the output of each step'"
    yield f"complete -c doit -l format -x -a '{' '.join(FORMATS)}' -d 'what to print'"
    for short, name, meaning in RUN:
        value = "" if name == "continue" else "-x "
        yield f"complete -c doit -s {short} -l {name} {value}-d {_quoted(meaning)}"
    options = {name: rule.options for name, rule in rules().items()}
    for name, known in {**options, **{name: command.options for name, command in commands().items()}}.items():
        for option in known:
            short = f"-s {option.short} " if option.short else ""
            values = f"-x -a '{' '.join(option.choices)}' " if option.choices else "-x "
            values = "-r -F " if option.path else "" if option.flag else values
            when = f"__fish_seen_subcommand_from {name}"
            yield f"complete -c doit -n '{when}' {short}-l {option.name} {values}-d {_quoted(option.help)}"


SHELLS: Mapping[str, Callable[[], str]] = {"bash": bash, "zsh": zsh, "fish": fish}
"""Shell -> what makes its script."""

if __name__ == "__main__":
    sys.stdout.write(fish())
