"""What is accepted as JSON: objects as this program writes them."""

from __future__ import annotations

import ast
import functools
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate import PACKAGE
from debate.host.ours import MOST as MOST_BYTES
from debate.text import strict_json
from debate.text.strict_json import MOST_OF_RECORD, decode
from tests.bounded import bounded

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


MANY: dict[str, tuple[str, str, int]] = {
    "lists": ('{"a": [%s]}', "[],", 2), "objects": ('{"a": [%s]}', "{},", 2), "levels": ('{"a": [%s]}', "[[[]]],", 4),
    "small objects": ('{"a": [%s]}', '{"b":1},', 3), "names": ("{%s}", '"1%06d":0,', 2),
    "integers": ('{"a": [%s]}', "1%06d,", 1), "fractions": ('{"a": [%s]}', "1.5,", 1),
    "null": ('{"a": [%s]}', "null,", 1), "texts": ('{"a": [%s]}', '"x%06d",', 2),
    "empty texts": ('{"a": [%s]}', '"",', 2), "escapes": ('{"a": [%s]}', '"\\u1234",', 2),
}  # fmt: skip
"""What there can be many of: the text around them, one of them, and its tokens. All of a kind have one length."""
DIFFERENT = 1_000_000
"""As many have different numbers. They are made once."""


@functools.cache
def different(one: str) -> str:
    return "".join([one % count for count in range(DIFFERENT)])


def filled(around: str, one: str, number: int) -> bytes:
    if "%" in one:
        times, rest = divmod(number, DIFFERENT)
        many = different(one) * times + different(one)[: rest * len(one % 0)]
    else:
        many = one * number
    return (around % many.removesuffix(",")).encode()


@pytest.mark.parametrize("kind", MANY)
def test_many_values(kind: str) -> None:
    """As many as are parsed take neither long nor much; as many as a file can have are refused before."""
    around, one, tokens = MANY[kind]
    data = filled(around, one, MOST_OF_RECORD // tokens - 2)
    with bounded():
        assert decode(data, MOST_OF_RECORD)
    data = filled(around, one, min(MOST_BYTES // len(one), 3 * MOST_OF_RECORD))
    with bounded(), pytest.raises(ValueError, match="more than 1,200,000 values"):
        decode(data, MOST_OF_RECORD)
    with bounded(), pytest.raises(ValueError, match="more than 300,000 values"):
        decode(data)


@pytest.mark.parametrize("number", [1, 999, 1000, 1001, 1999, 2000, 2001, 2500])
@pytest.mark.parametrize("one", ["[", '"[,{",', '"\\"[",{', '"\\\\",', "1,", '"x" ', '"'])
def test_values_are_counted_exactly(one: str, number: int) -> None:
    text = f" {one * number} "
    tokens = sum(1 for _ in strict_json._TOKEN.finditer(text))
    for most in {tokens - 1, tokens, tokens + 1, 1000, 2000} - {-1}:
        assert strict_json._has_more(text, most) == (tokens > most)


LONG = {
    "letters": "x", "commas": ",", "brackets": "[{", "quotes": '\\"', "backslashes": "\\\\", "escapes": "\\u1234",
    "lines": "\\n", "Greek": "\u03b1", "Chinese": "\u4e2d",
}  # fmt: skip


@pytest.mark.parametrize("kind", LONG)
def test_long_texts(kind: str) -> None:
    """No character within a string counts as a value."""
    one = LONG[kind]
    text = one * (MOST_BYTES // len(one.encode()) - 8)
    data = f'{{"a": "{text}"}}'.encode()
    with bounded():
        assert list(decode(data)) == ["a"]


@pytest.mark.parametrize(("size", "good"), [(strict_json._WIDE - 20, True), (MOST_BYTES, False)])
@pytest.mark.parametrize("escape", ["", "\\u1234"])
def test_long_texts_of_wide_characters(size: int, good: bool, escape: str) -> None:
    data = ('{"a": "' + "x" * (size - 20) + escape + '\U0001f600"}').encode()
    with bounded():
        try:
            assert decode(data)
            assert good
        except ValueError:
            assert not good


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), 1 << 63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


@given(st.dictionaries(st.text(), JSON, max_size=5))
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
