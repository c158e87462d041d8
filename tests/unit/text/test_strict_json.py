"""What is accepted as JSON: objects as this program writes them."""

from __future__ import annotations

import ast
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate import PACKAGE
from debate.text.strict_json import decode

REFUSED = {
    "nothing": b"", "a list": b"[]", "null": b"null", "a number": b"5", "text": b'"x"', "cut": b'{"a": ',
    "more": b"{} {}", "UTF-16": '{"a": 1}'.encode("utf-16"), "a byte order mark": b"\xef\xbb\xbf{}",
    "not UTF-8": b'{"a": "\xff"}', "NaN": b'{"a": NaN}', "infinity": b'{"a": [-Infinity]}',
    "too large": b'{"a": 1e999}',
    "many digits": b'{"a": 1' + b"0" * 5000 + b"}", "more than 64 bits": b'{"a": 1' + b"0" * 30 + b"}",
    "twice": b'{"a": 1, "a": 1}', "twice within": b'{"b": [{"a": 1, "\\u0061": 2}]}',
    "half a pair": b'{"a": "\\ud800"}', "half a pair as a name": b'{"\\udfff": 1}',
    "deep": b'{"a": ' + b"[" * 100 + b"]" * 100 + b"}", "deep objects": b'{"a": ' * 100 + b"1" + b"}" * 100,
    "very deep": b'{"a": ' + b"[" * 1_000_000,
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        decode(REFUSED[name])


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), 1 << 63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.dictionaries(st.text(), JSON))
def test_what_is_written_is_read(value: dict[str, object]) -> None:
    assert decode(json.dumps(value).encode()) == value
    assert decode(json.dumps(value, ensure_ascii=False).encode()) == value


@given(st.binary() | st.text().map(str.encode))
def test_whatever_it_is_there_is_one_kind_of_error(data: bytes) -> None:
    try:
        value = decode(data)
    except ValueError:
        return
    json.dumps(value, allow_nan=False, ensure_ascii=False).encode()


OWN = {
    "text/strict_json.py": 1,
    "sandbox/session.py": 1, "sandbox/proxy.py": 1,  # standard input, from the process that started it
    "profile/schema.py": 1, "profile/enums.py": 1,  # the schema, which is part of the program
    "profile/lockfile.py": 1,  # positions of what was read
    "history/changes.py": 2, "history/reasons.py": 1, "commands/logic/explain.py": 1,  # dumped just now
}  # fmt: skip
"""Where JSON of this very program is parsed, and how often."""


def test_there_is_one_reader_for_what_others_wrote() -> None:
    found: dict[str, int] = {}
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and ast.unparse(node) in ("json.load", "json.loads", "json.JSONDecoder"):
                name = str(path.relative_to(PACKAGE))
                found[name] = found.get(name, 0) + 1
    assert found == OWN
