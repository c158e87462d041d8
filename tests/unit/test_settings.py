"""Settings: environment over debate.toml, and no word that is not known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from debate import settings
from debate.errors import DebateError


def test_defaults(tmp_path: Path) -> None:
    made = settings.load(tmp_path, {})
    assert (made.cache, made.output) == (tmp_path / "cache", tmp_path / "build")
    assert made.limits == settings.Limits(8 << 30, 4, 4096, 16 << 30, 2_000_000, 900, 1200)
    assert made.uid_base % 65536 == 0
    assert made.uid_base > 65536


def test_environment_over_file(tmp_path: Path) -> None:
    (tmp_path / "debate.toml").write_text(
        'cache = "c"\njobs = 2\n[limits]\nmemory = 1\nprocesses = 7\n[mirrors]\ndebian = "http://a.example"\n'
    )
    environment = {"DEBATE_JOBS": "5", "DEBATE_MEMORY": "9", "DEBATE_MIRROR_DEBIAN_SECURITY": "http://b.example"}
    made = settings.load(tmp_path, environment)
    assert (made.cache, made.jobs) == (tmp_path / "c", 5)
    assert (made.limits.memory, made.limits.processes) == (9, 7)
    assert made.mirrors == {"debian": "http://a.example", "debian-security": "http://b.example"}


@pytest.mark.parametrize(
    ("file", "environment", "message"),
    [
        ("", {"DEBATE_CASHE": "x"}, r"DEBATE_CASHE: no such setting"),
        ("cashe = 1", {}, r"debate\.toml: no setting 'cashe'"),
        ("[limits]\nram = 1", {}, r"debate\.toml: no setting 'ram'"),
        ("jobs = 1\ncache = x\n", {}, r"debate\.toml: .*line 2"),
        ("", {"DEBATE_JOBS": "many"}, r"jobs: 'many' is not a whole number"),
        ("", {"DEBATE_CACHE_SIZE": "huge"}, r"setting cache_size: 'huge' is no size"),
        ("", {"DEBATE_REMOTE": "r.example/x"}, r"setting remote: .* is not of the form oci://HOST\[:PORT\]/REPOSITORY"),
        ("", {"DEBATE_REMOTE": "oci://r.example"}, r"setting remote: .* is not of the form"),
        ("", {"DEBATE_REMOTE": "oci://r.example/Upper"}, r"setting remote: .* is not of the form"),
        ("", {"DEBATE_REMOTE": "oci+http://r.example/x"}, r"setting remote: .* is not on this host, so it needs TLS"),
        ("", {"DEBATE_REMOTE": "oci+http://localhost.example/x"}, r"setting remote: .* is not on this host"),
        ('remote_mode = "read"', {}, r"setting remote_mode: 'read'; choose one of read-write, read-only"),
        ("", {"DEBATE_REMOTE_CA": "no-such"}, r"setting remote_ca: /.*/no-such is missing"),
        ("", {"DEBATE_REMOTE_KEYS": "no-such"}, r"setting remote_keys: /.*/no-such is missing"),
        ("", {"DEBATE_JOBS": "0"}, r"jobs: 0 must be more than 0"),
        ("", {"DEBATE_LOCK": "maybe"}, r"lock: 'maybe'; choose one of refuse, refresh"),
        ("", {"DEBATE_UID_BASE": "5"}, r"uid_base: must be a multiple of 65536"),
        ("", {"DEBATE_UID_BASE": "0"}, r"uid_base: 0 must be more than 0"),
    ],
)
def test_mistakes(tmp_path: Path, file: str, environment: dict[str, str], message: str) -> None:
    if file:
        (tmp_path / "debate.toml").write_text(file)
    with pytest.raises(DebateError, match=message):
        settings.load(tmp_path, environment)


def test_the_table_names_every_setting() -> None:
    names = {*settings.Settings.__annotations__, *settings.Limits.__annotations__} - {
        "root",
        "mirrors",
        "keyrings",
        "limits",
    }
    text = settings.__doc__ or ""
    assert [name for name in names if f"DEBATE_{name.upper()}" not in text] == []


def test_the_remote(tmp_path: Path) -> None:
    (tmp_path / "trusted").mkdir()
    (tmp_path / "debate.toml").write_text('remote = "oci://r.example:5000/team/isos"\nremote_keys = "trusted"\n')
    made = settings.load(tmp_path, {"DEBATE_REMOTE_PASSWORD": "hush", "DEBATE_CACHE_SIZE": "2G"})
    assert (made.remote, made.remote_keys) == ("oci://r.example:5000/team/isos", str(tmp_path / "trusted"))
    assert (made.remote_mode, made.cache_size) == ("read-write", 2 << 30)
    assert "hush" not in repr(made)


def test_another_checkout_with_the_same_settings(tmp_path: Path) -> None:
    """With every setting but the remote's at another value than its default."""
    (tmp_path / "debate.toml").write_text('lock = "refresh"\nbase = "debian"\n')
    limits = {f"DEBATE_{name.upper()}": str(value + 1) for name, value in vars(settings.Limits()).items()}
    made = settings.load(tmp_path, {
        **limits, "DEBATE_CACHE": "c", "DEBATE_OUTPUT": "o", "DEBATE_CACHE_SIZE": "1G", "DEBATE_SCRATCH": "disk",
        "DEBATE_UID_BASE": str(65536 * 7), "DEBATE_JOBS": "9", "DEBATE_ACCELERATION": "tcg",
        "DEBATE_MIRROR_DEBIAN_SECURITY": "file:///srv/a", "DEBATE_KEYRING_ARCH": "arch.gpg",
    })  # fmt: skip
    assert made.keyrings == {"arch": str(tmp_path / "arch.gpg")}
    untold = [
        name for name, value in vars(settings.load(tmp_path / "other", {})).items() if value == getattr(made, name)
    ]
    assert all(name.startswith("remote") for name in untold), untold
    (tmp_path / "other").mkdir()
    other = settings.load(tmp_path / "other", settings.variables(made))
    assert other == replace(made, root=tmp_path / "other")
