"""The network of a step that downloads, on a host with neighbours: real sockets in network namespaces."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from debate.errors import Complaint
from debate.sandbox.network import Network
from tests.conftest import ROOT

REFUSED = (
    "127.0.0.1", "localhost", "localhost.", "127.1", "0x7f.1", "0x7f000001", "2130706433", "017700000001", "0",
    "0.0.0.0",  # noqa: S104
    "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[64:ff9b::7f00:1]", "[::127.0.0.1]", "169.254.169.254",
    "metadata.example", "10.9.9.2", "inner.example", "rebind.example", "six.example", "own.example", "9.9.9.1",
    "public.example:8080", "9.9.9.2:8080", "trusted.example:8080", "127.0.0.1:8080",
)  # fmt: skip
REACHED = {
    "9.9.9.2": "neighbour", "public.example": "neighbour", "PUBLIC.example.": "neighbour", "mixed.example": "neighbour",
    "listed.example:8080": "neighbour", "trusted.example": "host",
}  # fmt: skip
"""Who is there. Of several addresses only the permitted ones are used."""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What a client in a sandbox's network reached."""
    if os.geteuid():
        pytest.skip("needs root")
    directory = tmp_path_factory.mktemp("world")
    (directory / "tries").write_text(json.dumps([*REFUSED, *REACHED]))
    argv = ["unshare", "--net", "--mount", sys.executable, "-m", "tests.unit.sandbox.world", str(directory)]
    done = subprocess.run(
        argv, cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)}
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_without_the_proxy_nothing_can_be_reached(said: dict[str, Any]) -> None:
    assert said["direct"] == []
    assert len(said["open"]) == 6, "from the host's own network all can be"


@pytest.mark.parametrize("kind", ["GET", "CONNECT", "a redirect"])
def test_what_is_refused(said: dict[str, Any], kind: str) -> None:
    rows = said["redirects"] if kind == "a redirect" else [pair[kind == "CONNECT"] for pair in said["tries"]]
    found = dict(zip([*REFUSED, *REACHED], rows, strict=True))
    wrong = {target: found[target] for target in REFUSED if "403" not in found[target]}
    assert wrong == {}
    assert {target: found[target] for target in REACHED} == REACHED


def test_why_it_is_refused(said: dict[str, Any]) -> None:
    found = {address: (fact, remedy) for address, fact, remedy in said["reports"]}
    remedy = "if that is meant, name the address in the settings, as a mirror with any name"
    assert found["http://rebind.example"] == (
        "127.0.0.1 is no public address, so the connection is refused",
        remedy,
    )
    assert found["http://public.example:8080"][0] == "nothing but ports 80 and 443 may be reached there, not 8080"
    assert not [address for address in found if "trusted.example:80" in address and "8080" not in address]


def test_answers_come_in_order_and_name_the_host_of_the_address(said: dict[str, Any]) -> None:
    found = [said["pipelined"].find(f"neighbour /{number} public.example") for number in range(5)]
    assert sorted(found) == found
    assert -1 not in found


def test_it_ends_what_is_too_big(said: dict[str, Any]) -> None:
    assert said["big"] is True
    assert said["too big"] <= 1_000_000


def test_garbage_harms_nobody(said: dict[str, Any]) -> None:
    assert said["garbage"] is True
    assert said["ended"] == 0


def test_it_has_no_rights_on_the_host(said: dict[str, Any]) -> None:
    assert said["user"] == [["65534"] * 4, ["65534"] * 4, ["0000000000000000"]]


REPORTS = {
    "m.example:80": ["http://m.example", "Unable to connect: no answer", ""],
    "n.example:80": ["http://n.example", "Unable to connect: no answer", ""],
    "127.0.0.1:80": ["http://127.0.0.1", "127.0.0.1 is no \x1b[2Jpublic address", "name it"],
}


def explained(*complaints: Complaint) -> list[str]:
    proxy = subprocess.Popen(["echo", json.dumps(REPORTS)], stdout=subprocess.PIPE)
    return [str(each.problem()) for each in Network(-1, proxy).explain(complaints)]


def test_a_mirror_that_leads_elsewhere_is_told_with_where() -> None:
    said = "127.0.0.1 is no ?[2Jpublic address"
    assert explained(
        Complaint("", "http://a.example/x", f"403  {said}", "look"), Complaint("repositories", "x", said)
    ) == [
        f"http://a.example/x: leads to http://127.0.0.1: {said}; name it, or use another mirror",
        f"repositories: {said}",
    ]


def test_complaints_get_the_reason_that_the_proxy_knows() -> None:
    """What was refused is told in any case; what did not answer may have been asked again."""
    assert explained(
        Complaint("", "http://m.example/x", "502 Bad Gateway", "look"), Complaint("packages", "x", "no")
    ) == [
        "http://127.0.0.1: 127.0.0.1 is no ?[2Jpublic address; name it",
        "http://m.example/x: Unable to connect: no answer; look",
        "packages: no",
    ]
