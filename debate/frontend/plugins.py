"""What debate puts in the place of doit's own commands, loader and database, in the form of doit's configuration.

`doit` learns the same from pyproject.toml where that has it, which spares it a second start: see
`debate.frontend.config`.
"""

from __future__ import annotations

from collections.abc import Mapping

PLUGINS: Mapping[str, Mapping[str, str]] = {
    "GLOBAL": {"loader": "debate"},
    "LOADER": {"debate": "debate.frontend.loader:Loader"},
    "BACKEND": {"debate": "debate.frontend.database:Database"},
    "COMMAND": {
        "help": "debate.frontend.help:Help",
        "run": "debate.frontend.verb:Run",
        "list": "debate.frontend.own:List",
        "info": "debate.frontend.own:Info",
        "clean": "debate.frontend.own:Clean",
        "forget": "debate.frontend.own:Forget",
        "ignore": "debate.frontend.own:Ignore",
        "reset-dep": "debate.frontend.own:ResetDep",
        "strace": "debate.frontend.own:Strace",
        "tabcompletion": "debate.frontend.own:TabCompletion",
        "dumpdb": "debate.frontend.own:DumpDB",
    },
}
"""Section -> name -> value."""
