"""`doit show`: every value with its origin."""

from __future__ import annotations

import yaml

from debate.commands.command import Context
from debate.commands.show import run as show
from debate.profile.load import load
from debate.profile.schema import schema
from debate.steps import config


def test_show(context: Context) -> None:
    answer = show(context, "minimal")
    directory = context.settings.profiles
    made = config.normalise(load(directory, "minimal"), directory)
    assert answer.text.startswith(f"# config {made.hash}\n")
    rows = dict(line.split("  # ") for line in answer.text.splitlines() if "  # " in line)
    origins = {row.strip(): origin for row, origin in rows.items()}
    assert origins['hostname: "minimal"'] == "default"
    assert origins['- "dbus"'].startswith("profiles/_common.yaml:")
    assert origins["keymap: null"] == "default"
    assert origins["network:"].startswith("profiles/_common.yaml:"), "a word that stands for a mapping"
    shown = yaml.safe_load(answer.text)
    assert shown["release"] == "trixie"
    assert shown.keys() == schema()["properties"].keys() - {"extends", "remove"}
    assert answer.data[0]["values"] == shown


def test_what_a_later_profile_takes_back_is_not_shown(context: Context) -> None:
    directory = context.settings.profiles
    (directory / "_e.yaml").write_text("version: 1\nservices: {enable: [ssh, a]}\n")
    (directory / "e.yaml").write_text("version: 1\nextends: _e\nservices: {disable: [ssh.service]}\n")
    answer = show(context, "e")
    assert answer.data[0]["values"]["services"] == {"enable": ["a"], "disable": ["ssh.service"], "mask": []}
    assert "e.yaml:3:" in next(line for line in answer.text.splitlines() if '"ssh.service"' in line)
    assert '"ssh"' not in answer.text
