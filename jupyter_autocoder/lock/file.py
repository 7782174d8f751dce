"""autocode.lock: prompt -> code, so that a notebook runs again without asking anybody.

The file is JSON, made for `git diff`: an entry a key, code as a list of lines. The key hashes the prompt, its checks,
its options, its inputs' names with canonical types (no row counts), and the keys of the entries before it in the same
sandbox session. An edited cell therefore makes the later cells' entries stale, and `Lock.explain` says by name why.

Writing is read, merge, replace under a guard, a lock file in Jupyter's runtime folder (or a private temporary one where
that cannot be written): two kernels add to one file without losing either's entries, a full disk leaves the old file
whole, and no second file appears in the person's folder.
"""

from __future__ import annotations

import errno
import hashlib
import importlib.metadata
import json
import os
import platform
import re
import stat
import tempfile
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_autocoder.errors import LockError, NotInLock
from jupyter_autocoder.events import Origin, Prompt
from jupyter_autocoder.lock.guard import unwritable, writing

FILE_NAME = "autocode.lock"
FORMAT = "jupyter-autocoder lock"
VERSION = 1
_SAYS_FORMAT = re.compile(rf'"format"\s*:\s*"{FORMAT}"')
_LARGEST = 64 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One locked answer.

    `previous` is the key of the entry before it in its session ("" for the first), `notebook` a path from the lock's
    folder, `asked` the model that the cell named and `model` the one that answered.
    """

    prompt: str
    code: str
    checks: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    previous: str = ""
    notebook: str = ""
    cell: str = ""
    asked: str = ""
    model: str = ""
    origin: Origin = "model"
    digest: str = ""
    python: str = ""
    packages: Mapping[str, str] = field(default_factory=dict)

    @property
    def edited(self) -> bool:
        """Whether the code was changed by hand since it was locked."""
        return bool(self.digest) and self.digest != digest(self.code)

    @property
    def title(self) -> str:
        """The first words of the prompt, to name the cell by."""
        line = next(iter(self.prompt.strip().splitlines()), "(no words)")
        return line if len(line) <= 60 else line[:57] + "..."


def make_key(prompt: Prompt, previous: str) -> str:
    """Return the key of `prompt` after the entry with key `previous`."""
    parts = [
        prompt.text.strip(),
        prompt.checks.strip(),
        dict(sorted(_types(prompt).items())),
        sorted(prompt.outputs),
        sorted(prompt.files),
        previous,
        # Only a model that was asked for by name: another default must not make every entry stale.
        *([prompt.model] if prompt.model else []),
    ]
    return digest(json.dumps(parts, ensure_ascii=True, sort_keys=True))


def digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def _types(prompt: Prompt) -> dict[str, str]:
    return {variable.name: variable.type for variable in prompt.inputs}


def find(start: Path, environ: Mapping[str, str]) -> Path:
    """Return the lock file for work in `start`: ``AUTOCODER_LOCK``, else the nearest upwards, else a new one there.

    A relative ``AUTOCODER_LOCK`` counts from this process's folder, whatever `start` is.
    """
    if environ.get("AUTOCODER_LOCK"):
        # Absolute at once: a cell may change the folder later.
        return Path(environ["AUTOCODER_LOCK"]).absolute()
    for folder in (start, *start.parents):
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
    return start / FILE_NAME


def is_lock(path: Path) -> bool:
    """Whether the file says of itself that it is a lock, whatever its name; a damaged or conflicting one too."""
    try:
        text = _read_text(path)
    except (OSError, UnicodeDecodeError):
        return False
    if not text.lstrip().startswith(("{", "<<<<<<< ")):
        return False
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return _SAYS_FORMAT.search(text) is not None
    return isinstance(data, dict) and data.get("format") == FORMAT


class Lock:
    """The lock file at `path`; read anew whenever it changed on disk."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stamp: tuple[int, int, int] | None = None
        self._entries: dict[str, Entry] = {}

    def get(self, key: str) -> Entry | None:
        """Return the entry under `key`. Raises LockError where the file is damaged or foreign."""
        return self.entries().get(key)

    def entries(self) -> Mapping[str, Entry]:
        """Return all entries in the file's order."""
        stamp = _stamp(self.path)
        if stamp is None:
            return {}
        if stamp != self._stamp:
            self._entries = _parse(_read(self.path), self.path)
            self._stamp = stamp
        return self._entries

    def put(self, key: str, entry: Entry) -> None:
        """Add or replace an entry, and drop what the same cell of the same notebook had locked before.

        Raises LockError where the file cannot be read, locked or written; it is then as it was.
        """
        with writing(self.path):
            self._stamp = None
            kept = {name: old for name, old in self.entries().items() if name == key or not _same_cell(old, entry)}
            _replace(self.path, _render({**kept, key: entry}))
            self._stamp = None

    def name_of(self, notebook: str) -> str:
        """A notebook's name in this lock: its path from the lock's folder, so that two of one name stay apart."""
        path = Path(notebook)
        return Path(os.path.relpath(path, self.path.resolve().parent)).as_posix() if path.is_absolute() else notebook

    def prune(self, notebook: str, keep: Collection[str]) -> int:
        """Drop the entries of `notebook` that are not in `keep`; return how many. Raises LockError like `put`."""
        with writing(self.path):
            self._stamp = None
            entries = self.entries()
            kept = {key: entry for key, entry in entries.items() if entry.notebook != notebook or key in keep}
            dropped = len(entries) - len(kept)
            if dropped:
                _replace(self.path, _render(kept))
                self._stamp = None
            return dropped

    def missing(self, prompt: Prompt, previous: str) -> NotInLock:
        """Return the error that says why the lock has no answer to `prompt`, naming the cell that made it stale."""
        why = self.explain(prompt, previous)
        do = "run the notebook where a model may be asked, then commit autocode.lock"
        return NotInLock(f"{self.path} has no answer to this prompt", path=str(self.path), why=why, do=do)

    def explain(self, prompt: Prompt, previous: str) -> str:
        """Say why `prompt` after `previous` has no entry, as exactly as the file allows."""
        entries = self.entries()
        alike = [entry for entry in entries.values() if entry.prompt.strip() == prompt.text.strip()]
        if not alike:
            return "this prompt was never locked" if entries else "the lock is empty or does not exist"
        entry = alike[-1]
        if entry.checks.strip() != prompt.checks.strip():
            return "its checks were edited after it was locked"
        now = _types(prompt)
        for name in sorted({*now, *entry.inputs}):
            if now.get(name) != entry.inputs.get(name):
                old, new = entry.inputs.get(name, "no input"), now.get(name, "no input")
                return f"its input {name} changed: {old} when it was locked, now {new}"
        locked = (sorted(entry.outputs), sorted(entry.files), entry.asked)
        if locked != (sorted(prompt.outputs), sorted(prompt.files), prompt.model or ""):
            return "its options were changed after it was locked"
        return self._explain_chain(entry.previous, previous)

    def _explain_chain(self, locked: str, previous: str) -> str:
        """Name the first earlier cell in which the locked session and this one differ."""
        then, now = self._chain(locked), self._chain(previous)
        if then == now:
            return "its entry stands under another key than its words give: the lock was changed by hand"
        for old, new in zip(then, now, strict=False):
            if old != new:
                return f"it is stale: {self._title(new, old)} was edited or answered anew since"
        if len(now) < len(then):
            return f"it is stale: it was locked after {self._title(then[len(now)])}, which did not run"
        return f"it is stale: {self._title(now[len(then)])} was added before it"

    def _title(self, *keys: str) -> str:
        """Name an earlier cell by the first of its keys that is in the lock."""
        entry = next((entry for key in keys if (entry := self.entries().get(key))), None)
        return f'the cell "{entry.title}"' if entry else "an earlier cell that is not in the lock"

    def _chain(self, key: str) -> list[str]:
        chain: list[str] = []
        while key and key not in chain:
            chain.append(key)
            entry = self.entries().get(key)
            key = entry.previous if entry else ""
        return chain[::-1]


def environment(modules: Iterable[str]) -> dict[str, str]:
    """Return the versions of the distributions that the top-level `modules` come from, where they are known."""
    versions = {}
    for module in sorted(set(modules)):
        try:
            versions[module] = importlib.metadata.version(module)
        except importlib.metadata.PackageNotFoundError:
            continue
    return versions


def drift(entry: Entry) -> str:
    """Say how this Python and its packages differ from those the entry was locked with, or return ""."""
    here = platform.python_version()
    parts = []
    if entry.python and entry.python.rsplit(".", 1)[0] != here.rsplit(".", 1)[0]:
        parts.append(f"Python {here} (locked with {entry.python})")
    for name, version in environment(entry.packages).items():
        if version != entry.packages[name]:
            parts.append(f"{name} {version} (locked with {entry.packages[name]})")
    return "not the environment it was locked in: " + ", ".join(parts) if parts else ""


# -- the file ----------------------------------------------------------------------------------------------------------
def _same_cell(old: Entry, new: Entry) -> bool:
    return bool(new.cell) and (old.notebook, old.cell) == (new.notebook, new.cell)


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        do = "choose another path in AUTOCODER_LOCK"
        raise LockError(f"{path} cannot be read", path=str(path), why=str(error), do=do) from None
    return status.st_mtime_ns, status.st_size, status.st_ino


def _read(path: Path) -> Any:
    try:
        text = _read_text(path)
    except (OSError, UnicodeDecodeError) as error:
        raise LockError(f"{path} cannot be read", path=str(path), why=str(error), do="mend or remove it") from None
    for number, line in enumerate(text.splitlines(), 1):
        if line.startswith(("<<<<<<< ", ">>>>>>> ")):
            do = "resolve the conflict in git (keeping the entries of both sides is safe), then run the cell again"
            why = f"line {number} is a conflict marker"
            raise LockError(f"{path} holds a git merge conflict", path=str(path), why=why, do=do)
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        do = "restore it from version control, or remove it and run the notebook anew"
        raise LockError(f"{path} is not valid JSON", path=str(path), why=str(error), do=do) from None


def _read_text(path: Path) -> str:
    """Read a regular file of bounded size: a lock comes with a stranger's folder, and may be a link to anything."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        content = file.read(_LARGEST + 1)
    if len(content) > _LARGEST:
        raise OSError(errno.EFBIG, f"it is larger than {_LARGEST >> 20} MiB")
    return content.decode("utf-8")


def _parse(data: Any, path: Path) -> dict[str, Entry]:
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        do = "move that file away, or set AUTOCODER_LOCK to another path"
        raise LockError(f"{path} is not a lock of this program", path=str(path), do=do)
    if data.get("version") != VERSION:
        why = f"it has version {data.get('version')!r}, this program writes {VERSION}"
        do = "upgrade jupyter-autocoder"
        raise LockError(f"{path} was written by another version", path=str(path), why=why, do=do)
    try:
        return {str(key): _entry(raw) for key, raw in data["entries"].items()}
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        do = "restore it from version control, or remove it and run the notebook anew"
        raise LockError(f"{path} is damaged", path=str(path), why=repr(error), do=do) from None


def _entry(raw: Mapping[str, Any]) -> Entry:
    return Entry(
        prompt=_lines(raw["prompt"]),
        code=_lines(raw["code"]) + "\n",
        checks=_lines(raw.get("checks", ())),
        inputs={str(k): str(v) for k, v in raw.get("inputs", {}).items()},
        outputs=tuple(map(str, raw.get("outputs", ()))),
        files=tuple(map(str, raw.get("files", ()))),
        previous=str(raw.get("previous", "")),
        notebook=str(raw.get("notebook", "")),
        cell=str(raw.get("cell", "")),
        asked=str(raw.get("asked", "")),
        model=str(raw.get("model", "")),
        origin=raw.get("origin", "model"),
        digest=str(raw.get("digest", "")),
        python=str(raw.get("python", "")),
        packages={str(k): str(v) for k, v in raw.get("packages", {}).items()},
    )


def _lines(value: Sequence[str]) -> str:
    if isinstance(value, str) or not all(isinstance(line, str) for line in value):
        msg = "a list of lines was expected"
        raise TypeError(msg)
    return "\n".join(value)


def _render(entries: Mapping[str, Entry]) -> str:
    data = {
        "format": FORMAT,
        "version": VERSION,
        "entries": {key: _raw(entry) for key, entry in entries.items()},
    }
    return json.dumps(data, indent=1, ensure_ascii=False) + "\n"


def _raw(entry: Entry) -> dict[str, Any]:
    raw: dict[str, Any] = {
        "notebook": entry.notebook,
        "cell": entry.cell,
        "prompt": entry.prompt.strip().split("\n"),
        "checks": entry.checks.strip("\n").split("\n") if entry.checks.strip("\n") else [],
        "inputs": dict(sorted(entry.inputs.items())),
        "outputs": list(entry.outputs),
        "files": list(entry.files),
        # Not splitlines(): it would also split at a form feed or U+2028 inside the code.
        "code": entry.code.rstrip("\n").split("\n"),
        "digest": entry.digest or digest(entry.code),
        "origin": entry.origin,
        "asked": entry.asked,
        "model": entry.model,
        "python": entry.python or platform.python_version(),
        "packages": dict(sorted(entry.packages.items())),
        "previous": entry.previous,
    }
    return {name: value for name, value in raw.items() if value or name in {"prompt", "code"}}


def _replace(path: Path, text: str) -> None:
    """Write beside and rename: a reader sees the old file or the new one, and a full disk leaves the old one."""
    temporary = ""
    # A link keeps pointing where its owner wanted the file to be.
    path = Path(os.path.realpath(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        # mkstemp makes private files; this one is to be shared through version control like its neighbours.
        Path(temporary).chmod(path.stat().st_mode & 0o777 if path.exists() else 0o644)
        Path(temporary).replace(path)
    except (OSError, UnicodeEncodeError) as error:
        if temporary:
            Path(temporary).unlink(missing_ok=True)
        why = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise unwritable(path, f"{path.parent}: {why}", "make the folder writable or free some space") from None
