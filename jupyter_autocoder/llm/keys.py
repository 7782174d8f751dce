"""Where the API key comes from, and how it is named without being shown."""

from __future__ import annotations

import importlib
import os
import stat
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from jupyter_autocoder.errors import NoKey, SettingsError
from jupyter_autocoder.llm.identity import fingerprint

VARIABLE = "OPENAI_API_KEY"
AZURE_VARIABLE = "AZURE_OPENAI_API_KEY"
SERVICE = "jupyter-autocoder"
_LARGEST = 4096


@dataclass(frozen=True, slots=True)
class Key:
    """A secret that does not show itself: neither in a repr nor in a traceback's locals."""

    secret: str = field(repr=False)
    source: str = ""

    def __str__(self) -> str:
        return f"{fingerprint(self.secret)} from {self.source}"


def find_key(
    *,
    key_file: str = "",
    variable: str = VARIABLE,
    environ: Mapping[str, str] | None = None,
    keyring: Callable[[str, str], str | None] | None = None,
) -> Key | None:
    """Find the key: the file when one is named, else the environment, else the operating system's keyring.

    A named file is the only place looked at, so that a forgotten variable cannot take its place. Raises SettingsError
    when the file cannot be trusted or read.
    """
    environ = os.environ if environ is None else environ
    if key_file:
        return read_key_file(Path(key_file).expanduser())
    if secret := environ.get(variable, "").strip():
        return _checked(secret, variable)
    secret = ((keyring or _keyring)(SERVICE, variable) or "").strip()
    return _checked(secret, "keyring") if secret else None


def _checked(secret: str, source: str) -> Key:
    # The HTTP library would quote a key it cannot send in its own error.
    if not _is_key(secret):
        what = f"what {source} holds is no API key"
        why = "it has spaces, or characters that no key has"
        raise SettingsError(what, source=source, key="model.key_file", why=why, do="copy the key anew, alone")
    return Key(secret, source)


def _is_key(secret: str) -> bool:
    return 0 < len(secret) <= _LARGEST and secret.isascii() and secret.isprintable() and " " not in secret


def read_key_file(path: Path) -> Key:
    """Read a key from a regular file that belongs to us and that nobody else can read."""
    # Opened first and asked then, so that nobody can swap the file between the question and the reading.
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as error:
        raise _wrong(path, str(error.strerror), f"write the key into {path} and run: chmod 600 {path}") from None
    try:
        _check_trust(path, os.fstat(descriptor))
        content = os.read(descriptor, _LARGEST + 1)
    finally:
        os.close(descriptor)
    secret = content.decode("utf-8", "replace").strip()
    if not _is_key(secret):
        raise _wrong(path, "it does not hold one key on one line", "write the key, and nothing else, into it")
    return Key(secret, str(path))


def _check_trust(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise _wrong(path, "it is not a regular file", "name a file that holds nothing but the key")
    if status.st_uid not in (os.geteuid(), 0):
        raise _wrong(path, "it belongs to somebody else", "use a file of your own")
    if status.st_mode & 0o077:
        mode = stat.S_IMODE(status.st_mode)
        raise _wrong(path, f"others can read or write it (mode {mode:04o})", f"run: chmod 600 {path}")


def no_key(variable: str = VARIABLE) -> NoKey:
    """Make the error that says how to set a key, and how to do without."""
    return NoKey(
        "there is no API key",
        why=f"{variable} is not set, the keyring has none, and model.key_file names no file",
        do=(
            f"set {variable} in the environment before Jupyter starts, or write the key into a file of mode 0600 and "
            "name it in autocoder.toml: [model] key_file; or use a local model, which needs no key: "
            '[model] base_url = "http://localhost:11434/v1"'
        ),
    )


def _wrong(path: Path, why: str, do: str) -> SettingsError:
    what = f"the key file {path} cannot be used"
    return SettingsError(what, source=str(path), key="model.key_file", why=why, do=do)


def _keyring(service: str, name: str) -> str | None:
    try:
        keyring = importlib.import_module("keyring")
    except ImportError:
        return None
    try:
        secret = keyring.get_password(service, name)
    # Its backends raise what they like. A locked or missing keyring is the same as one without the key: the message
    # that follows names the ways.
    except Exception:
        return None
    return secret if isinstance(secret, str) else None
