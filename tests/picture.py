"""The picture of a run in the README: python -m tests.picture PROFILE > docs/run.svg

Runs `doit build:PROFILE` on a terminal of its own and draws what is left there at the end.
"""

from __future__ import annotations

import io
import os
import pty
import re
import sys

from rich.console import Console
from rich.text import Text

_ESCAPES = re.compile(r"\x1b\[(?!3[0-9]m|0m|2m)[0-9;?]*[A-Za-z]")


def output(words: list[str]) -> str:
    """What the command writes to a terminal."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.pop("CI", None)
        os.execvp(words[0], words)
    said = b""
    while True:
        try:
            chunk = os.read(terminal, 1 << 16)
        except OSError:
            break
        if not chunk:
            break
        said += chunk
    os.waitpid(pid, 0)
    return said.decode(errors="replace")


def lasting(said: str) -> list[str]:
    """The lines that stay: not those that are redrawn."""
    lines = [_ESCAPES.sub("", line).rstrip() for line in said.replace("\r", "\n").split("\n")]
    plain = [re.sub(r"\x1b\[[0-9;]*m", "", line) for line in lines]
    kept: list[str] = []
    for line, text in zip(lines, plain, strict=True):
        drawn = "━" in text or re.search(r"[0-9]+ of [0-9]+ steps", text)
        if text.startswith("  ") and not drawn and (not kept or text != kept[-1]):
            kept.append(line)
    return kept


def main() -> None:
    command = ["doit", f"build:{sys.argv[1]}"]
    console = Console(record=True, width=110, file=io.StringIO(), force_terminal=True)
    console.print(Text(f"# {' '.join(command)}", style="bold"))
    for line in lasting(output(command)):
        console.print(Text.from_ansi(line), soft_wrap=True)
    sys.stdout.write(console.export_svg(title="debate"))


if __name__ == "__main__":
    main()
