"""From a profile to the kernel: GRUB's shell, what its command linux writes, and what the kernel reads."""

from __future__ import annotations

import string
from dataclasses import replace

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from debate import live
from debate.images import menu
from debate.live.interface import LiveParts
from debate.model import Artifact
from debate.profile.schema import fits
from debate.text import kernel_line
from debate.text.grub import quote
from tests.unit.images.test_iso import HERE, LIVE, SLICE

ASCII = st.text("".join(map(chr, range(32, 127))), max_size=12)
HARD = st.text(" '\"\\$`;{}|&<>#=%*?[]~!\n\tü-x", max_size=12)
ARGUMENTS = st.builds("{}{}".format, ASCII, st.one_of(st.just(""), ASCII.map("={}".format))).filter(
    lambda text: fits(text, "boot", "arguments", "*")
)


def grub_words(line: str) -> list[str]:
    """The words of a line, by GRUB's manual, "Quoting". Fails for what is special there and in no quotes."""
    words: list[str] = []
    word: str | None = None
    at = 0
    while at < len(line):
        c = line[at]
        if c in " \t":
            words += [] if word is None else [word]
            word = None
        elif c == "'":
            end = line.index("'", at + 1)
            word = (word or "") + line[at + 1 : end]
            at = end
        elif c == "\\":
            at += 1
            word = (word or "") + line[at]
        else:
            assert c not in '"{}|&$;<>\n', f"special: {c}"
            word = (word or "") + c
        at += 1
    return words + ([] if word is None else [word])


def written_by_grub(words: list[str]) -> str:
    """The command line that GRUB's linux makes: grub_create_loader_cmdline."""
    parts = []
    for word in words:
        escaped = "".join(f"\\{c}" if c in "\\'\"" else c for c in word)
        parts.append(f'"{escaped}"' if " " in word else escaped)
    return " ".join(parts)


def read_by_kernel(line: str) -> list[tuple[str, str | None]]:
    """Name and value of each argument: next_arg, which has no escapes."""
    data = line.encode()
    spaces = b"\t\n\v\f\r \xa0"
    found: list[tuple[str, str | None]] = []
    at = 0
    while at < len(data):
        if data[at] in spaces:
            at += 1
            continue
        quoted = data[at] == ord('"')
        at += quoted
        start, equals, inside = at, 0, quoted
        while at < len(data) and (inside or data[at] not in spaces):
            if not equals and data[at] == ord("="):
                equals = at
            if data[at] == ord('"'):
                inside = not inside
            at += 1
        end = at - 1 if quoted and data[at - 1] == ord('"') else at
        if not equals:
            found.append((data[start:end].decode(errors="replace"), None))
            continue
        value = data[equals + 1 : end]
        if value.startswith(b'"'):
            value = value[1:].removesuffix(b'"')
        found.append((data[start:equals].decode(errors="replace"), value.decode(errors="replace")))
    return found


@given(text=st.one_of(HARD, ASCII, st.text(max_size=12)))
@example(text="it's")
@example(text="")
@example(text="é")
def test_a_word_of_grub(text: str) -> None:
    assert grub_words(quote(text)) == [text]


@given(
    title=st.one_of(ASCII, HARD).filter(lambda text: fits(text, "boot", "title")),
    arguments=st.lists(ARGUMENTS, max_size=4),
)
@example(title="--class", arguments=["a= b ", "dyndbg=file a +p; file b =_", "x=$y`z`", "--"])
def test_what_the_profile_says_arrives(title: str, arguments: list[str]) -> None:
    entry = menu.Entry("own-1", title, "", "", ("console=tty0", *arguments))
    lines = menu.text(replace(SLICE, console=("tty0",), entries=(entry,), default="own-1"), LIVE, HERE).splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("menuentry "))
    assert grub_words(lines[at].removesuffix(" {")) == ["menuentry", "--id=own-1", "--", title]
    words = grub_words(lines[at + 1].replace(" $iso_arguments ", " ", 1))  # no word: it is set for loopback.cfg alone
    assert words == ["linux", "/live/vmlinuz", "boot=live", "console=tty0", *arguments]
    line = written_by_grub(words[1:])
    assert line == kernel_line.joined(words[1:])
    wanted = [(name, value if equals else None) for name, equals, value in (w.partition("=") for w in words[1:])]
    assert read_by_kernel(line) == wanted
    assert kernel_line.split(line) == words[1:]


@pytest.mark.parametrize("argument", ['a="b c"', "a='b'", '"a=b c"', 'a=b"c', "a=b\\x2dc", "a=\\", "à=à", "a=Š"])
def test_what_would_arrive_altered_is_refused(argument: str) -> None:
    name, equals, value = argument.partition("=")
    assert read_by_kernel(written_by_grub([argument])) != [(name, value if equals else None)] or '"' in argument
    assert not fits(argument, "boot", "arguments", "*")


@pytest.mark.parametrize(
    ("line", "arguments"),
    [
        ("quiet  splash", ["quiet", "splash"]),
        ('a="b  c" "d=e f" "g"', ["a=b  c", "d=e f", "g"]),
        ('x"y z"w', ['x"y z"w']),
        ('"open', ['"open']),
        ("", []),
    ],
)
def test_lines_of_others(line: str, arguments: list[str]) -> None:
    assert kernel_line.split(line) == arguments


@pytest.mark.parametrize(
    ("distribution", "generator"),
    [("debian", "initramfs-tools"), ("debian", "dracut"), ("arch", "mkinitcpio"), ("arch", "dracut")],
)
def test_the_longest_line_is_within_what_kernels_read(distribution: str, generator: str) -> None:
    """COMMAND_LINE_SIZE of x86 is 2048, with a NUL."""
    image = Artifact("sha256:x", 1)
    architecture = "amd64" if distribution == "debian" else "x86_64"
    parts = LiveParts(image, image, [("0-packages", image)], lambda _: "0", "L" * 32, 946_684_800, architecture)
    made = live.get(distribution, generator).live(parts)
    own = kernel_line.joined([f"BOOT_IMAGE={made.kernel}", *made.arguments])
    assert len(own) + len(" ") + menu.LONGEST <= 2047
    assert set(own) <= set(string.printable)
