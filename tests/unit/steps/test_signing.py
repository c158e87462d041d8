"""Own signatures for Secure Boot: what is signed with which certificate, and where the key is not."""

from __future__ import annotations

import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from debate import keys
from debate.build.local import _secrets
from debate.errors import DebateError
from debate.managers.shared import EPOCH
from debate.model import Artifact, Command, Step, Supplies
from debate.sandbox.rights import TABLE
from debate.settings import Settings
from debate.steps import signing
from debate.text import rsa

TOOLS = Artifact("sha256:0", 1)
FILES = {"kernel": Artifact(keys.sha256(b"k"), 1), "BOOTX64.EFI": Artifact(keys.sha256(b"b"), 1)}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with two keys, a.key and b.key, and their certificates."""
    directory = tmp_path_factory.mktemp("keys")
    for name in ("a", "b"):
        words = ["openssl", "req", "-new", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", f"/CN={name}"]
        files = ["-keyout", directory / f"{name}.key", "-out", directory / f"{name}.crt"]
        subprocess.run([*words, *files], check=True, capture_output=True)
    return directory


def settings(directory: Path, **files: str) -> Settings:
    """Settings that name files in ``directory``."""
    named = {f"secure_boot_{name}": str(directory / file) for name, file in files.items()}
    return Settings(root=directory, cache=directory, output=directory, **named)  # type: ignore[arg-type]


def test_golden(made: Path) -> None:
    given = signing.certificate(settings(made, certificate="a.crt"))
    step = signing.step(FILES, given, TOOLS)
    assert step.parameters == {"certificate": (made / "a.crt").read_bytes()}
    assert dict(step.inputs) == {f"unsigned/{name}": file for name, file in FILES.items()}
    assert step.outputs == ("BOOTX64.EFI", "kernel")
    assert (step.epoch, [command.rights for command in step.commands]) == (EPOCH, ["data"])


@pytest.mark.parametrize("setting", ["certificate", "key"])
def test_files_that_are_refused(made: Path, tmp_path: Path, setting: str) -> None:
    """In one line, before work starts. What else can be wrong is in test_rsa and test_settings."""
    large, other = tmp_path / "large", tmp_path / "other"
    large.write_bytes((made / ("a.crt" if setting == "certificate" else "a.key")).read_bytes() + b"\n" * (64 << 10))
    other.write_text("x")
    what = "certificate" if setting == "certificate" else "private key"
    for path, fact in ((large, "is larger than 65,536 bytes"), (other, f"has no {what} in PEM")):
        given = settings(tmp_path, **{setting: path.name})
        with pytest.raises(DebateError) as caught:
            list(signing.refuse(given))
        [problem] = caught.value.problems
        assert (str(problem.place), problem.fact) == (f"setting secure_boot_{setting}", f"{path} {fact}")
        assert problem.remedy
        assert signing.state(given) == ""


def test_what_is_not_set(made: Path) -> None:
    """It is no problem where nothing is signed."""
    assert list(signing.refuse(settings(made))) == []
    with pytest.raises(
        DebateError, match=r"certificate: the certificate for `boot.*` is not set; set DEBATE_SECURE_BO"
    ):
        signing.certificate(settings(made))
    with pytest.raises(
        DebateError, match=r"key: the key for `boot: {secure: own}` is not set; set DEBATE_SECURE_BOOT_K"
    ):
        signing._supplies(settings(made, certificate="a.crt"))


def test_key_and_certificate_belong_together(made: Path) -> None:
    assert list(signing.refuse(settings(made, certificate="a.crt", key="a.key"))) == []
    assert list(signing.refuse(settings(made, key="b.key"))) == []
    for use in (lambda given: list(signing.refuse(given)), signing._supplies):
        with pytest.raises(
            DebateError, match=r"setting secure_boot_key: .*b.key is not the key of .*a.crt; name the key "
        ):
            use(settings(made, certificate="a.crt", key="b.key"))


@pytest.mark.parametrize(
    ("days", "said"), [(-1, "is valid from 2026-01-10 on"), (0, ""), (10, ""), (11, "expired on 2026-01-20")]
)
def test_certificates_outside_their_time(days: int, said: str) -> None:
    begins = datetime(2026, 1, 10, tzinfo=UTC)
    found = rsa.Certificate(b"", b"", 1, begins, begins + timedelta(days=10))
    assert signing._untimely(found, begins + timedelta(days=days)) == said


def test_an_expired_certificate_is_told(tmp_path: Path, made: Path) -> None:
    """And still signs, so that an old ISO can be built again."""
    words = ["openssl", "req", "-new", "-x509", "-key", made / "a.key", "-subj", "/CN=a", "-days", "1"]
    old = tmp_path / "old.crt"
    subprocess.run(["faketime", "2020-01-01 00:00:00", *words, "-out", old], check=True, capture_output=True)
    [problem] = signing.refuse(settings(tmp_path, certificate="old.crt"))
    assert problem.fact == f"{old} expired on 2020-01-02"
    assert signing.state(settings(tmp_path, certificate="old.crt"))


def test_the_key_is_in_no_file_of_a_step(made: Path) -> None:
    """What is laid out in the store is of `files`, `contents` and `inputs`."""
    supplies = signing._supplies(settings(made, certificate="a.crt", key="a.key"))
    assert supplies == Supplies(secrets={"key": str(made / "a.key")})


@pytest.mark.parametrize("kind", sorted(TABLE))
def test_strangers_see_no_secrets(kind: str) -> None:
    step = Step("x", (Command("x.sh"), Command("x.sh", rights=kind)), ("x",), 0)
    supplies = Supplies(secrets={"key": "/etc/key"})
    if TABLE[kind].strangers or TABLE[kind].network:
        with pytest.raises(ValueError, match="x: strangers would see key"):
            _secrets(step, supplies)
        assert _secrets(step, Supplies()) == ()
    else:
        assert _secrets(step, supplies) == (("/etc/key", "/run/secret/key"),)
