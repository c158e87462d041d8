"""Finds declarations: modules of a package that assign one variable, such as ``RULE``, at the start of a line."""

from __future__ import annotations

import importlib
import re
from pathlib import Path
from typing import TypeVar

from debate.errors import DebateError
from debate.text.paths import shown

T = TypeVar("T")


def declarations(directory: Path, package: str, variable: str, kind: type[T]) -> dict[Path, T]:
    """The ``variable`` of each module in ``directory``, the package ``package``, by path in the order of file names.

    Modules that do not assign it are not imported. Hidden files, such as the lock ``.#x.py`` of an editor, are no
    modules. Raises DebateError if a module cannot be read, or if its variable is not a ``kind``.
    """
    assigns = re.compile(rf"^{variable}\b[^=\n]*=(?!=)".encode(), re.MULTILINE)
    found = {}
    for path in sorted(directory.glob("[!.]*.py")):
        if not path.is_file():
            continue
        try:
            source = path.read_bytes()
        except OSError as error:
            raise DebateError(error.strerror or str(error), "make it readable", place=shown(path)) from error
        if assigns.search(source):
            value = getattr(importlib.import_module(f"{package}.{path.stem}"), variable, None)
            if not isinstance(value, kind):
                raise DebateError(
                    f"{variable} is not a {kind.__name__}", f"write {variable} = {kind.__name__}(…)", place=shown(path)
                )
            found[path] = value
    return found
