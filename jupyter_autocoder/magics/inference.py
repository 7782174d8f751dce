"""Which variables and files a sentence means, unless its options say so."""

from __future__ import annotations

import builtins
import os
import re
import types
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jupyter_autocoder.agent.checks import free_names
from jupyter_autocoder.errors import UsageError

_QUOTED = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")


@dataclass(frozen=True, kw_only=True)
class Meaning:
    """What a cell refers to: inputs and outputs by name, files by their name inside."""

    inputs: tuple[str, ...] = ()
    outputs: tuple[str, ...] = ()
    files: Mapping[str, Path]


def understand(
    text: str,
    checks: str,
    namespace: Mapping[str, Any],
    *,
    inputs: Iterable[str] | None,
    outputs: Iterable[str] | None,
    files: Iterable[str],
    landed: Iterable[str] = (),
    reserved: Container[str] = (),
    folder: Path,
) -> Meaning:
    """Return what the sentence means in `namespace`.

    `reserved` names are IPython's own (``In``, ``exit``) and never results. `landed` are names that this very sentence
    brought at an earlier run: they are its results again and not its inputs, so that a cell means the same at its
    second run. Raises UsageError on a name or file that does not exist.
    """
    quoted = _QUOTED.findall(text)
    asked = free_names(checks)
    known = {name for name in namespace if name not in set(landed)}
    if inputs is None:
        mentioned = [name for name in dict.fromkeys([*quoted, *sorted(asked)]) if name in known]
        taken = [name for name in mentioned if not isinstance(namespace[name], types.ModuleType)]
    else:
        taken = list(dict.fromkeys(inputs))
        for name in taken:
            if name not in namespace:
                do = "define it in a cell above, or correct the name"
                raise UsageError(f"there is no variable {name} to send in", do=do)
    results = sorted(asked - known) if outputs is None else list(dict.fromkeys(outputs))
    for name in results if outputs is not None else ():
        if hasattr(builtins, name) or name in reserved:
            owner = "Python" if hasattr(builtins, name) else "IPython"
            raise UsageError(f"--out {name} would hide {owner}'s own {name}", do="choose another name")
    results = [name for name in results if name not in reserved]
    lent = {(name if _is_below(name, folder) else Path(name).name): _existing(name, folder) for name in files}
    for name in quoted:
        if name not in lent and _is_below(name, folder) and (folder / name).is_file():
            lent[name] = folder / name
    return Meaning(inputs=tuple(taken), outputs=tuple(results), files=lent)


def wished(
    text: str,
    meaning: Meaning,
    namespace: Mapping[str, Any],
    landed: Iterable[str],
    reserved: Container[str] = (),
) -> tuple[str, ...]:
    """Return the quoted names that are nothing yet: results the person seems to want, fetched where they exist."""
    known = {name for name in namespace if name not in set(landed)}
    quoted = (name for name in _QUOTED.findall(text) if name.isidentifier())
    names = (name for name in quoted if not hasattr(builtins, name) and name not in reserved)
    return tuple(dict.fromkeys(n for n in names if n not in known and n not in meaning.outputs and n[0] != "_"))


def _existing(name: str, folder: Path) -> Path:
    path = folder / Path(name).expanduser()
    if not path.is_file():
        raise UsageError(f"there is no file {name}", why=f"looked in {folder}", do="correct the path after --files")
    if not os.access(path, os.R_OK):
        raise UsageError(f"the file {name} may not be read", why=f"it is {path}", do="ask its owner, or lend another")
    return path


def _is_below(name: str, folder: Path) -> bool:
    """A quoted file is lent only from the notebook's own folder, never a hidden one: a stranger may have quoted it."""
    if "\0" in name or Path(name).is_absolute() or any(part.startswith(".") for part in Path(name).parts):
        return False
    return (folder / name).resolve().is_relative_to(folder.resolve())
