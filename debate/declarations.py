"""Finds declarations: modules of a package that assign one variable, such as ``RULE``, at the start of a line."""

from __future__ import annotations

import importlib
import re
import traceback
from pathlib import Path
from typing import TypeVar

from debate import PACKAGE
from debate.errors import DebateError, Place, Problem
from debate.text.paths import shown

T = TypeVar("T")


def declarations(directory: Path, package: str, variable: str, kind: type[T]) -> dict[Path, T]:
    """The ``variable`` of each module in ``directory``, the package ``package``, by path in the order of file names.

    Raises DebateError as `declaring` and `declaration` do.
    """
    return {path: declaration(path, package, variable, kind) for path in declaring(directory, variable)}


def declaring(directory: Path, variable: str) -> list[Path]:
    """The modules in ``directory`` that assign ``variable``, in the order of file names. None of them is imported.

    Hidden files, such as the lock ``.#x.py`` of an editor, are no modules. Raises DebateError if one cannot be read.
    """
    name, assigns = variable.encode(), rf"(?m)^{variable}\b[^=\n]*=(?!=)".encode()
    found = []
    for path in sorted(directory.glob("[!.]*.py")):
        if not path.is_file():
            continue
        try:
            source = path.read_bytes()
        except OSError as error:
            raise DebateError(error.strerror or str(error), "make it readable", place=shown(path)) from error
        if name in source and re.search(assigns, source):
            found.append(path)
    return found


def declaration(path: Path, package: str, variable: str, kind: type[T]) -> T:
    """The ``variable`` of the module ``path`` in ``package``.

    Raises DebateError if the module cannot be imported, or if its variable is not a ``kind``.
    """
    try:
        module = importlib.import_module(f"{package}.{path.stem}")
    except Exception as error:
        raise DebateError.of([defect(error, path)]) from error
    value = getattr(module, variable, None)
    if not isinstance(value, kind):
        raise DebateError(
            f"{variable} is not a {kind.__name__}", f"write {variable} = {kind.__name__}(…)", place=shown(path)
        )
    return value


def defect(error: Exception, path: Path, importer: str = __file__) -> Problem:
    """The problem with the module ``path``, or with one of debate that it imports, at the line where it is.

    ``importer``: the file of the code that imports it.
    """
    if isinstance(error, SyntaxError) and error.filename:
        place = Place(shown(Path(error.filename)), error.lineno or 0, error.offset or 0)
        return Problem(place, error.msg, "correct it")
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename != importer]
    ours = [frame for frame in frames if Path(frame.filename).is_relative_to(PACKAGE) or frame.filename == str(path)]
    place = Place(shown(Path(ours[-1].filename)), ours[-1].lineno or 0) if ours else Place(shown(path))
    return Problem(place, f"{type(error).__name__}: {error}", "correct it")
