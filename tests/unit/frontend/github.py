"""What GitHub makes of a log; source: src/Runner.Worker/ActionCommandManager.cs of github.com/actions/runner."""

from __future__ import annotations

import re


def obeyed(log: str) -> tuple[list[str], list[str]]:
    """The lines that GitHub shows, and the commands that it obeys, without those that stop and resume commands."""
    shown, commands, token = [], [], ""
    for line in log.splitlines():
        text = line.strip()
        found = re.match(r"::([^ :]+)", text) or re.search(r"##\[([^]]+)\]", text)
        if found and token and text == f"::{token}::":
            token = ""
        elif found and not token and found[1] == "stop-commands":
            token = text.rpartition("::")[2]
            assert re.fullmatch("[0-9a-f]{32}", token)
        elif found and not token:
            commands.append(text)
        else:
            shown.append(line)
    return shown, commands
