"""Locale and time zone of distributions with glibc and systemd.

Sources: locale.conf(5), localtime(5); locale.gen as locale-gen(8) reads it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from debate.distributions.interface import LocaleParts
from debate.entry import Entry, Made, text_entry


def locale_parts(overlay: Mapping[str, Any]) -> LocaleParts:
    """Files and commands for locale and time zone. The keymap differs between distributions."""
    conf = Made("locale", *text_entry("/etc/locale.conf", f"LANG={overlay['locale']}\n"))
    parts = LocaleParts([conf], [], [])
    if overlay["timezone"] != "UTC":
        target = f"/usr/share/zoneinfo/{overlay['timezone']}"
        parts.made.append(Made("timezone", Entry("/etc/localtime", "link", mode="0777", target=target)))
        parts.checks.append(["timezone", overlay["timezone"]])
    if overlay["locale"] != "C.UTF-8":
        # The profile's own may have more; that it has this one is checked.
        text = f"{overlay['locale']} {_charset(overlay['locale'])}\n"
        parts.made.append(Made("", *text_entry("/etc/locale.gen", text)))
        parts.commands.append(["locale-gen"])
        parts.checks.append(["locale", overlay["locale"]])
    return parts


def _charset(locale: str) -> str:
    """The character set of LANGUAGE[.CODESET][@MODIFIER].

    Without a codeset it is the one that is most common in /usr/share/i18n/SUPPORTED.
    """
    language, _, modifier = locale.partition("@")
    codeset = language.partition(".")[2]
    if codeset.lower() in ("utf-8", "utf8"):
        return "UTF-8"
    return codeset or ("ISO-8859-15" if modifier == "euro" else "ISO-8859-1")
