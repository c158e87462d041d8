"""Locks are read as what people may have made of them, and differences are told."""

from __future__ import annotations

import itertools
import json
import re
import tempfile
import urllib.parse
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from debate.errors import DebateError, Place
from debate.model import Locked
from debate.profile.lockfile import MAX_INSTALLED, accept, differences, identity, packages_of, read, to_text
from tests.bounded import bounded

PACKAGE = {
    "name": "curl", "version": "8.14.1-2+b1", "architecture": "amd64", "repository": "debian",
    "path": "pool/main/c/curl/curl_8.14.1-2+b1_amd64.deb", "size": 5, "sha256": "a" * 64,
}  # fmt: skip


def lock(*packages: dict[str, Any], **fields: Any) -> dict[str, Any]:
    top = {
        "format": 1, "distribution": "debian", "release": "trixie", "architecture": "amd64",
        "request": f"sha256:{'0' * 64}",
    }  # fmt: skip
    return {**top, "packages": list(packages), **fields}


def without(field: str) -> dict[str, Any]:
    return {name: value for name, value in PACKAGE.items() if name != field}


def test_a_lock_that_was_written_can_be_read(tmp_path: Path) -> None:
    (tmp_path / "l").write_text(to_text(lock(PACKAGE)))
    assert read(tmp_path / "l") == lock(PACKAGE)
    archive = {"archive": "debian", "suite": "trixie", "date": "2026-01-01T00:00:00Z"}
    indexed = lock(PACKAGE, indexes={"digest": f"sha256:{'c' * 64}", "size": 7}, archives=[archive])
    (tmp_path / "l").write_text(to_text(indexed))
    assert read(tmp_path / "l") == indexed


def test_a_package_can_be_installed_and_unpacked(tmp_path: Path) -> None:
    both = lock(PACKAGE, unpacked=[PACKAGE])
    (tmp_path / "l").write_text(to_text(both))
    assert read(tmp_path / "l") == both
    assert packages_of(both) == packages_of(both, "unpacked")
    assert packages_of(lock(PACKAGE), "unpacked") == []


def test_what_is_unpacked_is_of_the_lock() -> None:
    one, other = {**PACKAGE, "name": "shim"}, {**PACKAGE, "name": "shim", "version": "9"}
    locks = [lock(PACKAGE), lock(PACKAGE, unpacked=[one]), lock(PACKAGE, unpacked=[other]), lock(PACKAGE, one)]
    assert len({identity(each) for each in locks[:3]}) == 3
    said = [[str(change) for change in differences(old, new)] for old, new in itertools.pairwise(locks[:3])]
    assert said == [["+ shim 8.14.1-2+b1"], ["~ shim 8.14.1-2+b1 -> 9"]]
    changed = lock({**PACKAGE, "version": "9"}, unpacked=[{**PACKAGE, "version": "9"}])
    assert len(differences(lock(PACKAGE, unpacked=[PACKAGE]), changed)) == 1, "the same change is told once"


def faults() -> Iterator[tuple[Any, str, int]]:
    """Content of a lock, the fact that is told, and the line of to_text's form."""
    yield lock(), "field 'packages' lists none", 5
    yield lock(PACKAGE, format=2), "not a lock of format 1", 4
    yield lock(PACKAGE, format=True), "not a lock of format 1", 4
    yield lock(PACKAGE, more=1), "the lock has an unknown field 'more'", 5
    yield lock(PACKAGE, packages={}), "field 'packages' lists none", 5
    yield lock(PACKAGE, packages=[[]]), "package 1 is no object", 6
    yield lock(PACKAGE, unpacked=[]), "field 'unpacked' lists none", 0
    yield lock(PACKAGE, unpacked={}), "field 'unpacked' lists none", 0
    yield lock(PACKAGE, unpacked=[PACKAGE, PACKAGE]), "package 'curl' is listed twice", 28
    yield lock(PACKAGE, unpacked=[{**PACKAGE, "path": "/x"}]), "field 'path' is '/x'", 22
    yield lock(PACKAGE, PACKAGE), "package 'curl' is listed twice", 15
    yield lock(PACKAGE, {**PACKAGE, "name": "wget"}), "package 'wget': its file is listed twice", 15
    yield lock({**PACKAGE, "more": 1}), "package 'curl' has an unknown field 'more'", 8
    yield [], "not an object", 1
    for top in ("distribution", "release", "architecture", "request"):
        yield {k: v for k, v in lock(PACKAGE).items() if k != top}, f"the lock lacks the field {top!r}", 1
        for value in (None, 1, "", "x/../../../pwned", "..", "-rf", "x\n", "/x", "x" * 65):
            yield lock(PACKAGE, **{top: value}), f"the lock: field {top!r} is {value!r}", 0
    for field in sorted(PACKAGE):
        yield lock(without(field)), f"lacks the field {field!r}", 6
    for field, line in (("name", 8), ("path", 9), ("repository", 10), ("sha256", 11), ("size", 12), ("version", 13)):
        for value in (None, [], {}, True, "", " ", "a b", "a\n", "\n", "-x\n", "\x1b[31m", "é", "a" * 2000, -1, 0, 1.5):
            yield lock({**PACKAGE, field: value}), f"field {field!r} is ", line
    for path in (
        "../../etc/passwd", "pool/../../x", "pool/..", "..", ".", "./x", "pool/./x", "/etc/shadow", "//h/x", "pool//x",
        "pool/", "%2e%2e/x", "pool/%2E%2e/x", "%2fetc", "pool%2f..%2fx", "%252e/x",
        "pool/%25x", "pool/%00", "pool/%0ax", "pool/%", "pool/%zz",
        ":x", "::error::", "pool/:x", "pool/%3ax",
        "-oDir=x", "pool/-x", "pool/.x", "pool/x\n", "pool\\x", "pool/x y", "pool/%20x", "pool/x?y", "pool/x#y",
        "pool/$repo", "pool/é", "pool/%ff", "http://h/x", "file:///x",
    ):  # fmt: skip
        yield lock({**PACKAGE, "path": path}), f"field 'path' is {path!r}", 9
    for name, values in {
        "name": ("../x", "a/b", "-x", ".x", "X", "a:b", "a=b", "a,b", "curl\n-o"),
        "version": ("-1", "1/2", "1 2", "1,2", "1\n", ".1", "$(x)"),
        "architecture": ("../x", "x/y", "-", "Amd64"),
        "repository": ("-x", "Debian", "a/b", "a.b", "1x", "x" * 33),
        "sha256": ("b", "A" * 64, "g" * 64, "a" * 63, f"{'a' * 64}\n", f"sha256:{'a' * 64}"),
        "essential": (False, 1, "true", None),
        "replaces": ("", "-x", "Debian", "a.b", "x" * 33, None),
        "signature": ("a", "ab=", "=", "a===", "abc d", "ab\n=", 1, None),
        "size": ("5", 10**15, 1 << 36 | 1, float("1e3")),
        "installed": ("5", 0, -1, True, None, 1 << 40 | 1, float("1e3")),
    }.items():
        for each in values:
            yield lock({**PACKAGE, name: each}), f"field {name!r} is ", 0
    good = {"digest": f"sha256:{'c' * 64}", "size": 1}
    one = {"archive": "debian", "suite": "trixie", "date": "2026-01-01T00:00:00Z"}
    for archives in ({}, None, [None], [{}], [{**one, "date": "today"}], [{**one, "suite": ""}], [{**one, "x": 1}]):
        yield lock(PACKAGE, archives=archives), "archive", 0
    for indexes in ([], None, {}, {**good, "digest": "x"}, {**good, "size": 0}, {**good, "x": 1}, {"size": 1}):
        yield lock(PACKAGE, indexes=indexes), "'indexes'", 0


@pytest.mark.parametrize(("content", "message", "line"), list(faults()))
def test_a_damaged_lock_is_refused(tmp_path: Path, content: Any, message: str, line: int) -> None:
    (tmp_path / "l").write_text(to_text(content))
    with pytest.raises(DebateError) as caught:
        read(tmp_path / "l")
    (problem,) = caught.value.problems
    assert message in problem.fact
    assert problem.remedy == "restore it from git, or delete it and build"
    assert problem.place
    assert problem.place.line >= 1
    assert line in (0, problem.place.line)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("{\n<<<<<<< ours\n", 2, "not the JSON of a lock"),
        ('{"format": 1,\n "format": 1}', 2, "field 'format' is written twice"),
        ('{"packages": [\n{}, {"name": "a", "size": 1,\n"name": "b"}]}', 3, "field 'name' is written twice"),
        ('{"packages": [\n{"name": 1,\n"name": 2}], ]', 3, "field 'name' is written twice"),
        ('{"packages": [{"name": 1,\n"name": 2}], "x": ' + "[" * 100_000, 2, "field 'name' is written twice"),
        ('{"packages": [[[[[{"name": 1, "name": 2}]]]]]}', 0, "field 'name' is written twice"),
        ('{"a": ' * 900 + '{"b": 1, "b": "' + "x" * (7 << 20) + '"}' + "}" * 900, 0, "field 'b' is written twice"),
        ('{"\\udfff": 1, "\\udfff": 1}', 1, r"field '\udfff' is written twice"),
        ('{"\\udfff": 1}', 1, "half of a surrogate pair"),
        ("[" * 100_000, 1, "nested too deeply"),
        ('{"a": ' + "[" * 80 + "]" * 80 + "}", 1, "nested too deeply"),
        ('{"format": 1,\n"size": ' + "9" * 5000 + "}", 2, "is too large"),
        ('{"format": 1,\n"size": ' + "9" * 25 + "}", 2, "is too large"),
        ('{"a": "\\"NaN",\n"size": [NaN]}', 2, "NaN is no number"),
        ('{"a": -Infinity}', 1, "-Infinity is no number"),
        ('{"a":\n1e999}', 2, "1e999 is too large"),
        ('{"x": "' + "x" * (7 << 20) + '", "a":\n-Infinity}', 2, "-Infinity is no number"),
        ('{"x": "' + '\\"' * (3 << 20) + '", "a":\nNaN}', 2, "NaN is no number"),
        ('{"a":\nNaNx, "' + '\\"' * (3 << 20), 2, "NaN is no number"),
        ('{"a":\n1e999x, ' + '"\\' * (3 << 20), 2, "1e999 is too large"),
        ("", 1, "not the JSON of a lock"),
        ("\xff", 1, "not the JSON of a lock"),
        ("\n\n0", 1, "not an object"),
        ("{}", 1, "not a lock of format"),
    ],
)  # fmt: skip
def test_what_is_no_lock_at_all_is_named_with_its_line(tmp_path: Path, text: str, line: int, message: str) -> None:
    (tmp_path / "l").write_bytes(text.encode("latin-1"))
    with bounded(), pytest.raises(DebateError) as caught:
        read(tmp_path / "l")
    (problem,) = caught.value.problems
    assert message in problem.fact
    assert problem.place == Place(str(tmp_path / "l"), line)


_ODD = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=9), st.just([]), st.just({}),
    st.sampled_from(["..", "a/../b", "%2e", "a\n", "-x", "x" * 300]),
)  # fmt: skip


@given(st.data())
def test_whatever_is_nearly_a_lock(data: st.DataObject) -> None:
    """It is read or refused with a line, and what is read can go into paths, arguments and lines."""
    made = lock(dict(PACKAGE), {**PACKAGE, "name": "wget", "sha256": "b" * 64})
    place = data.draw(st.sampled_from([made, *made["packages"]]))
    name = data.draw(st.sampled_from([*place, "signature", "indexes", "more"]))
    if data.draw(st.booleans()):
        place[name] = data.draw(_ODD)
    else:
        place.pop(name, None)
    text = data.draw(st.sampled_from([to_text(made), json.dumps(made)]))
    cut = data.draw(st.one_of(st.none(), st.integers(0, len(text))))
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "l")
        path.write_text(text[:cut])
        try:
            found = read(path)
        except DebateError as error:
            lines = [problem.place.line for problem in error.problems if problem.place]
        else:
            lines = []
    if lines:
        assert lines[0] >= 1
        return
    for package in packages_of(found):
        words = [value for value in vars(package).values() if isinstance(value, str) and value]
        assert all(re.fullmatch(r"[A-Za-z0-9@~_+/][!-~]*", word) for word in words)
        assert 0 < package.size < 1 << 40
        assert not {"", ".", ".."} & set(urllib.parse.unquote(package.path).split("/"))


_FIT = st.fixed_dictionaries(
    {
        "name": st.from_regex(r"[a-z0-9][a-z0-9@+._-]{0,9}", fullmatch=True),
        "version": st.from_regex(r"[A-Za-z0-9][A-Za-z0-9.+:~_-]{0,9}", fullmatch=True),
        "architecture": st.sampled_from(["all", "amd64", "any", "x86_64"]),
        "repository": st.from_regex(r"[a-z][a-z0-9-]{0,9}", fullmatch=True),
        "path": st.from_regex(r"([a-z+~:_@][a-z0-9.+~:_@=,-]{0,5}/){0,3}[a-z0-9][a-z.+~:_@=,-]{0,9}", fullmatch=True),
        "size": st.integers(1, 1 << 36),
        "sha256": st.from_regex(r"[0-9a-f]{64}", fullmatch=True),
    },
    optional={
        "signature": st.just("c2ln"), "essential": st.just(True), "replaces": st.just("debian"),
        "installed": st.integers(0, MAX_INSTALLED),
    },
)  # fmt: skip
_ANY = st.one_of(_ODD, st.text(max_size=9), st.from_regex(r"(\./|\.\./|/|%2e|%25|-| |[a-z.]){1,6}", fullmatch=True))


@given(
    st.lists(_FIT, min_size=1, max_size=4), st.sampled_from(sorted(PACKAGE)), st.one_of(st.just(None), _ANY),
    st.booleans(),
)  # fmt: skip
def test_what_is_written_can_be_read(packages: list[dict[str, Any]], field: str, value: Any, spoil: bool) -> None:
    """Whatever indexes say: it is refused by the name of their repository, or read, and written again the same."""
    if spoil:
        packages[-1][field] = value
    made = lock(*(Locked(**package).to_json() for package in packages))
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "l")
        try:
            accept(made, "lock:x")
        except DebateError as error:
            (problem,) = error.problems
            assert problem.place
            assert problem.place.file in {f"repository {package['repository']}" for package in made["packages"]}
            assert problem.fact.startswith("cannot be locked: package ")
            path.write_text(to_text(made))
            with pytest.raises(DebateError):
                read(path)
            return
        path.write_text(to_text(made))
        found = read(path)
    assert found == made
    assert to_text(found) == to_text(made)
    assert [package.to_json() for package in packages_of(found)] == made["packages"]


def test_a_lock_that_is_too_large_to_be_read() -> None:
    many = [{**PACKAGE, "name": f"p{n}", "sha256": f"{n:064}", "signature": "abcd" * 9000} for n in range(300)]
    with pytest.raises(DebateError, match=r"^lock:x: cannot be locked: a lock of more than 8\.\d MB cannot be read"):
        accept(lock(*many), "lock:x")


def test_differences() -> None:
    old = lock(PACKAGE, {**PACKAGE, "name": "gone"}, {**PACKAGE, "name": "same"})
    new = lock({**PACKAGE, "version": "9"}, {**PACKAGE, "name": "new"}, {**PACKAGE, "name": "same", "sha256": "b" * 64})
    assert list(map(str, differences(old, new))) == [
        "~ curl 8.14.1-2+b1 -> 9",
        "- gone 8.14.1-2+b1",
        "+ new 8.14.1-2+b1",
        "~ same 8.14.1-2+b1 (same version, other file)",
    ]
    must = {**PACKAGE, "name": "must", "repository": "extra", "essential": True}
    (change,) = differences(lock(PACKAGE), lock(PACKAGE, must))
    assert str(change) == "+ must 8.14.1-2+b1 (essential in the repository extra)"
    assert change.to_json()["essential"] == "extra"
    assert "essential" not in differences(lock(PACKAGE, must), lock(PACKAGE))[0].to_json()
    instead = {**PACKAGE, "version": "9", "repository": "extra", "replaces": "debian"}
    (change,) = differences(lock(PACKAGE), lock(instead))
    assert str(change) == "~ curl 8.14.1-2+b1 -> 9 (of the repository extra, in place of the distribution's)"
    assert change.to_json()["replaces"] == "extra"


def test_what_a_package_takes_is_no_part_of_what_it_is() -> None:
    """A lock from before it was told is the same to what is built on it, and to the keys of what is built."""
    one = Locked(**PACKAGE)
    assert one == replace(one, installed=7)
    assert hash(one) == hash(replace(one, installed=7))
    assert differences(lock(PACKAGE), lock({**PACKAGE, "installed": 7})) == []
