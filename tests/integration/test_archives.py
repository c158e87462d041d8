"""Archives that cannot be used: each is told from the others, by its name and its address as the user wrote it."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.integration.broken import STATUS, Broken
from tests.integration.checkout import Checkout

OF_KEY = "get the present key from those who run the archive, and check it"
OTHER = "use another mirror"
CAUSES = {
    "wrong-key": rf"its index is signed by the key [0-9A-F]{{40}}, which is none of its keys; {OF_KEY}",
    "old-key": rf"its key [0-9A-F]{{40}} expired on 2026-02-02; {OF_KEY}",
    "sha-1": "its index is signed with SHA-1, which is not secure; ask those who run it to sign with SHA-256",
    "old-signature": rf"the signature of its index expired on 20[0-9-]+; {OTHER}: this one is out of date",
    "new-signature": "the signature of its index is from the future: 20[0-9-]+; check the clock of this host",
    "from-the-future": r"its index is from the future, by [23]d [0-9a-z ]+; check the clock of this host",
    "past-its-date": rf"its index is past its Valid-Until, since [0-9]+d [0-9a-z ]+; {OTHER}: this one is out of date",
    "altered": rf"its index was altered after it was signed; {OTHER}",
    "cut": "its index is not signed, so it is refused; check the address: a page to log in",
    "empty": "its index is not signed, so it is refused; check the address: a page to log in",
    "unsigned": "its index is not signed, so it is refused; check the address: a page to log in",
    "web-page": "its index is not signed, so it is refused; check the address: a page to log in",
    "weak": f"its index has no SHA-256 of its files, so it is refused; {OTHER}",
    "no-suite": "there is no archive with a suite 'stable'; check the mirror's address and the release",
    "index-altered": "differs from the archive's signed index, so it is refused: altered, or the mirror is being",
    "index-longer": "differs from the archive's signed index, so it is refused: altered, or the mirror is being",
    "index-gone": "the signed index names this, and the mirror does not have it: it is being updated; try again later",
}
"""Repository -> what is said of it, at its place in the profile."""
OF_STATUS = {
    401: "the mirror wants a user and a password; put them into its address",
    407: "a proxy wants a user and a password; put them into the address of this host's proxy",
    429: "check the network and the mirror's address, try again later",
}


@pytest.fixture(scope="module")
def broken(tmp_path_factory: pytest.TempPathFactory) -> Broken:
    return Broken.make(tmp_path_factory.mktemp("broken"))


@pytest.fixture
def address(broken: Broken) -> Iterator[str]:
    with broken.serve() as server:
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


def profile(checkout: Checkout, broken: Broken, lines: dict[str, str]) -> None:
    """`minimal` with these repositories: name -> further fields."""
    text = "extends: minimal\npackages: [debate-probe]\nrepositories:\n"
    for name, fields in lines.items():
        key = broken.keys.get(name, broken.keys["good"])
        (checkout.directory / "profiles" / "keys" / f"{name}.asc").write_bytes(key)
        text += f"  - {{name: {name}, key: keys/{name}.asc{fields}}}\n"
    checkout.profile("mine", text)


def mirrors(addresses: dict[str, str]) -> dict[str, str]:
    return {f"MIRROR_{name.upper().replace('-', '_')}": address for name, address in addresses.items()}


LATER = ("index-altered", "index-longer", "index-gone", "no-tls", "status-429", "status-500", "status-503")
"""What apt tells only if nothing that lasts is wrong elsewhere."""


def test_each_cause_has_its_own_words(checkout: Checkout, broken: Broken, address: str) -> None:
    names = [name for name in broken.keys if name not in ("good", *LATER)]
    addresses = {name: f"{address}/{name}" for name in broken.keys} | {"below": f"file://{broken.root}/altered"}
    addresses["no-tls"] = addresses["no-tls"].replace("http://", "https://")
    found = []
    for some in ([*names, "below"], LATER):
        profile(checkout, broken, dict.fromkeys(some, ""))
        said = checkout.doit("lock:mine", status=1, **mirrors({name: addresses[name] for name in some}))
        assert "unknown key" not in said
        assert "copy:/run" not in said
        found += said.splitlines()
        for number, name in enumerate(some, 5):
            cause = CAUSES.get("altered" if name == "below" else name)
            if cause:
                start = rf".*profiles/mine\.yaml:{number}:12: repositories: {name}, {re.escape(addresses[name])}[^ ]*: "
                assert any(re.match(start + cause, line) for line in found), (name, said)
    for status in STATUS:
        index = f"repositories: status-{status}, {address}/status-{status}/dists/stable/InRelease: {status}  "
        [line] = [line for line in found if index in line]
        assert OF_STATUS.get(status, "check the network and the mirror's address") in line
        assert f"set DEBATE_MIRROR_STATUS_{status} to another mirror" in line
    assert any(f": repositories: loop, {address}/loop: Redirection loop" in line for line in found), found
    assert any(f": repositories: no-tls, {addresses['no-tls']}/dists/stable/InRelease: SSL connection failed" in line
               for line in found)  # fmt: skip


def test_components_and_addresses(checkout: Checkout, broken: Broken, address: str) -> None:
    """A component that an archive does not have is refused; characters of addresses arrive as they were written."""
    for name in ("a b", "~user", "100%"):
        link = broken.root / name
        if not link.exists():
            link.symlink_to(broken.good.directory)
    addresses = {
        "spaced": f"{address}/a%20b", "tilde": f"{address}/~user", "encoded": f"{address}/%7Euser",
        "percent": f"{address}/100%25", "below": f"file://{broken.root}/a%20b",
    }  # fmt: skip
    wrong = ", components: [mian, main]"
    profile(checkout, broken, {name: wrong if name in ("spaced", "below") else "" for name in addresses})
    said = checkout.doit("lock:mine", status=1, **mirrors(addresses))
    fact = "the suite stable has no component 'mian', only: main; did you mean main?"
    for number, name in ((5, "spaced"), (9, "below")):
        assert f"profiles/mine.yaml:{number}:12: repositories: {name}, {addresses[name]}/: {fact}" in said
    assert said.count("no component") == 2
    profile(checkout, broken, dict.fromkeys(addresses, ""))
    said = checkout.doit("packages:mine", **mirrors(addresses))
    lock = checkout.json("mine", "lock.json")
    found = {(each["archive"], each["suite"]): each["date"] for each in lock["archives"]}
    assert {archive for archive, _ in found} == {"debian", "debian-security", *addresses}
    assert found["tilde", "stable"] == "2026-01-01T00:00:00Z"
    assert re.search(
        r"packages, 2 unpacked, debian of 20[0-9-]+, debian-security of 20[0-9-]+, .*tilde of 2026-01-01", said
    ), said
