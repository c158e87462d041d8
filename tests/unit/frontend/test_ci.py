"""Errors where GitHub shows them: at the line of the file."""

from __future__ import annotations

from debate.frontend import ci


def test_an_error_in_a_profile_is_shown_there() -> None:
    message = (
        "lock:x: profiles/x.yaml:5:12: packages: no 'curll'; did you mean curl?\n"
        "profiles/_common.yaml:7:3: packages: no 'nanoo'; did you mean nano?\nthe whole log: build/x/logs/lock.log"
    )
    assert ci.errors(message, title="lock x") == [
        "::error file=profiles/x.yaml,line=5,col=12,title=lock x::packages: no 'curll'; did you mean curl?",
        "::error file=profiles/_common.yaml,line=7,col=3,title=lock x::packages: no 'nanoo'; did you mean nano?",
    ]
    assert ci.errors("overlay: failed\n  > debate: profiles/x.yaml:3:9: locale: none; its own are", title="o") == [
        "::error file=profiles/x.yaml,line=3,col=9,title=o::locale: none; its own are"
    ]


def test_another_error_is_shown_as_it_is() -> None:
    assert ci.errors("no space; free some", title="iso x") == ["::error title=iso x::no space; free some"]
