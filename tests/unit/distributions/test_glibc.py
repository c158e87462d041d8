"""Locales and time zones, the same wherever glibc is."""

from __future__ import annotations

import pytest

from debate import distributions


@pytest.mark.parametrize("distribution", ["arch", "debian"])
@pytest.mark.parametrize(
    ("locale", "line"),
    [
        ("de_DE.UTF-8", "de_DE.UTF-8 UTF-8"),
        ("de_DE.utf8", "de_DE.utf8 UTF-8"),
        ("ca_ES.UTF-8@valencia", "ca_ES.UTF-8@valencia UTF-8"),
        ("de_DE", "de_DE ISO-8859-1"),
        ("de_DE@euro", "de_DE@euro ISO-8859-15"),
        ("ru_RU.KOI8-R", "ru_RU.KOI8-R KOI8-R"),
    ],
)
def test_locale_gen(distribution: str, locale: str, line: str) -> None:
    parts = distributions.get(distribution).locale_parts({"locale": locale, "keymap": None, "timezone": "UTC"})
    files = {made.entry.path: made.content.decode() for made in parts.made}
    assert files["/etc/locale.conf"] == f"LANG={locale}\n"
    assert files["/etc/locale.gen"] == f"{line}\n"
    assert parts.commands == [["locale-gen"]]
