"""A terminal that keeps what is written to it."""

from __future__ import annotations

import io

import pytest


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def without_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let code believe that nothing but a terminal shows its output."""
    for name in ("CI", "GITHUB_ACTIONS", "GITLAB_CI"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
