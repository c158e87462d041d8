"""`doit`: what fits a page is shown, and how to see the rest."""

from __future__ import annotations

import pytest

from debate.commands.command import Context
from debate.commands.profiles import run as profiles
from debate.errors import DebateError


@pytest.fixture
def many(context: Context, monkeypatch: pytest.MonkeyPatch) -> Context:
    """A hundred profiles and the shipped ones, and a terminal of 20 lines."""
    for number in range(100):
        (context.settings.profiles / f"web{number:02}.yaml").write_text(f"version: 1\ndescription: Number {number}\n")
    monkeypatch.setenv("LINES", "20")
    return context


def shown(context: Context, *names: str) -> list[str]:
    answer = profiles(context, names)
    listed = answer.text.partition("Profiles:\n")[2].partition("\n\n")[0].splitlines()
    told = [each["profile"] for each in answer.data if "profile" in each]
    assert [line.split()[0] for line in listed if line.startswith("  ")] == told
    left_out = [{"profiles": 106, "shown": len(told)}] if len(told) < 106 else []
    assert list(answer.data[len(told) :]) == left_out, "as a program reads it"
    return listed


def test_a_page_is_shown_and_how_to_see_the_rest(many: Context) -> None:
    listed = shown(many)
    assert len(listed) == 12
    assert listed[0].startswith("  arch-minimal ")
    assert listed[-1] == "106 profiles; 11 shown: doit profiles 'WORD*' or doit profiles '*'"
    assert len(profiles(many, []).text.splitlines()) <= 20


def test_all_are_shown_if_they_fit(many: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINES", "200")
    assert len(shown(many)) == 106


def test_a_terminal_of_few_lines(many: Context, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINES", "3")
    assert len(shown(many)) == 6


def test_those_that_fit_a_pattern(many: Context) -> None:
    assert shown(many, "web1*", "minimal")[-1] == "106 profiles; 11 shown: doit profiles 'WORD*' or doit profiles '*'"
    assert len(shown(many, "*")) == 106
    assert shown(many, "web07")[0] == "  web07  Number 7"


def test_what_no_profile_fits(many: Context) -> None:
    with pytest.raises(
        DebateError, match=r"^profiles: no profile fits 'x\*'; .*\nprofiles: there is no profile 'minimul'"
    ):
        profiles(many, ["x*", "minimul", "web*"])


def test_many_files_that_nobody_reads(many: Context) -> None:
    for number in range(50):
        (many.settings.profiles / f"x{number}.yml").write_text("")
    text = profiles(many, []).text
    assert text.count("rename it to x") == 11
    assert "  and 39 more files that are not read: doit validate\n" in text
