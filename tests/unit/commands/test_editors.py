"""An editor finds the schema: a new profile names one that is there, wherever debate is installed."""

from __future__ import annotations

import os
from pathlib import Path

from debate.commands.command import Context
from debate.commands.new import run as new
from debate.commands.schema import run as schema
from debate.commands.validate import run as validate
from debate.profile import editors
from debate.profile.schema import SCHEMA


def first_line(path: Path) -> Path:
    """The file that the first line of a profile names."""
    start = "# yaml-language-server: $schema="
    line = path.read_text().split("\n")[0]
    assert line.startswith(start)
    return path.parent / line.removeprefix(start)


def test_a_new_profile_names_a_schema_that_is_there(context: Context) -> None:
    """In a workspace, which has nothing of the machine on which it was made."""
    new(context, ["mine"], "")
    named = first_line(context.settings.profiles / "mine.yaml")
    assert named == context.settings.profiles / editors.FILE
    assert named.read_bytes() == SCHEMA.read_bytes()
    assert validate(context, ["mine"]).text == "1 profile: all valid\n"


def test_in_a_checkout_it_is_debates_own(context: Context) -> None:
    own = context.settings.root / "debate" / "schema" / "profile.schema.json"
    own.parent.mkdir(parents=True)
    own.write_bytes(SCHEMA.read_bytes())
    new(context, ["mine"], "")
    assert first_line(context.settings.profiles / "mine.yaml").resolve() == own
    assert not (context.settings.profiles / editors.FILE).exists()


def test_a_copy_of_another_debate_is_told(context: Context) -> None:
    """Whatever is in its place, which comes with a commit."""
    new(context, ["mine"], "")
    copy = context.settings.profiles / editors.FILE
    said = "profiles/.profile.schema.json: not the schema of this debate, so editors may err"
    for spoil in (lambda: copy.write_text("{}"), lambda: copy.symlink_to("/dev/zero"), lambda: os.mkfifo(copy)):
        copy.unlink()
        spoil()
        answer = validate(context, ["mine"])
        assert answer.good
        assert said in answer.text
    copy.unlink()
    copy.write_text(schema(context).text)
    assert said not in validate(context, ["mine"]).text
