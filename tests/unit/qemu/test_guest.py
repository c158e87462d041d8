"""What of a guest's console counts as text."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from debate.qemu import guest as qemu

CONSOLE = "\x1b[2J\x1b[01;01HGRUB\x1b[=3h \x1b(B\x1b[!p\x1b]0;title\x07minimal login: \x1b[9;2H|\r\n"


def test_plain() -> None:
    assert qemu.plain("\x1b[2Ja\x1b[9;79Hb\x1b(Bc\x1b]0;t\x07d\x07e\x1b[!p\n") == ("abcde\n", "")
    assert qemu.plain("login: \x1b[9;") == ("login: ", "\x1b[9;")


@given(st.lists(st.integers(1, 5), min_size=1, max_size=60))
def test_it_does_not_matter_how_the_console_arrives(sizes: list[int]) -> None:
    whole, _ = qemu.plain(CONSOLE)
    pieces, waiting, rest = "", "", CONSOLE
    for size in [*sizes, len(CONSOLE)]:
        text, waiting = qemu.plain(waiting + rest[:size])
        pieces, rest = pieces + text, rest[size:]
    assert pieces == whole
    assert waiting == ""


def test_prompts() -> None:
    import re

    for text in ("minimal login: ", "root@rescue:~# ", "live@every:/home/live$ "):
        assert re.search(qemu.PROMPT, text), text
    assert not re.search(qemu.PROMPT, "Starting login service")
