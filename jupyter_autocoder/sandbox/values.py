"""Values across the wall, seen from the host: written into the read-only inbox, read once out of the scratch folder."""

from __future__ import annotations

import asyncio
import json
import keyword
import os
import secrets
import shutil
from pathlib import Path
from typing import Any

from jupyter_autocoder import text
from jupyter_autocoder.errors import SandboxDied, SandboxError, UsageError
from jupyter_autocoder.sandbox import refusals
from jupyter_autocoder.sandbox.codec.parts import Malformed, PartReader, PartWriter, Uncrossable, expect, read_exactly
from jupyter_autocoder.sandbox.codec.tree import Decoder, Encoder
from jupyter_autocoder.sandbox.scratch import Scratch, Unsafe
from jupyter_autocoder.sandbox.session import KernelSession

TREE = "tree.json"
TREE_LIMIT = 64 * 2**20
# An empty list takes three bytes on the way and sixty here.
CONTAINERS = 2_000_000


async def put(session: KernelSession, name: str, value: Any, *, patience: float) -> None:
    """Bind `name` inside to a copy of `value`. Raises ValueCannotCross, naming object and type."""
    check_name(name)
    folder = session.manager.inbox / secrets.token_hex(8)
    try:
        await asyncio.to_thread(_write, folder, name, value)
        inside = f"{session.manager.inbox_inside}/{folder.name}"
        answer = await session.request({"do": "put", "name": name, "folder": inside}, patience=patience)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if answer.get("status") != "ok":
        refusals.refuse(
            name, type(value).__name__, text.one_line(answer.get("why"), 500) or "the sandbox could not read it"
        )


async def get(session: KernelSession, name: str, *, limit: int, patience: float) -> Any:
    """A copy of what `name` is bound to inside, of at most `limit` bytes.

    Raises KeyError when there is no such name, ValueCannotCross when it is no data or not what it says.
    """
    check_name(name)
    token = f".out-{secrets.token_hex(8)}"
    folder = f"{session.manager.scratch}/{token}"
    answer = await session.request({"do": "get", "name": name, "folder": folder}, patience=patience)
    status = answer.get("status")
    if status == "missing":
        raise KeyError(name)
    if status == "uncrossable":
        kind, where = text.one_line(answer.get("kind"), 200), text.one_line(answer.get("where"), 200)
        why = text.one_line(answer.get("why"), 500)
        refusals.cannot(name, kind or "object", why, where, do=refusals.adopt_instead(name, why))
    if status == "full":
        why = f"what the sandbox writes has to fit into {limit >> 20} MB, and into the largest file that is allowed"
        refusals.refuse(name, "object", why, do="bring back less of it, or raise [sandbox] scratch and file_size")
    if status != "ok":
        refusals.refuse(name, "object", text.one_line(answer.get("why"), 500) or "the sandbox could not write it")
    return await asyncio.to_thread(_read, Scratch(session.manager.scratch_outside), token, name, limit)


def check_name(name: str) -> None:
    """Raise UsageError unless `name` can be a variable."""
    if not name.isidentifier() or keyword.iskeyword(name):
        raise UsageError(f"{name!r} is not a variable name", do="use letters, digits and underscores")


def _write(folder: Path, name: str, value: Any) -> None:
    try:
        # Another user's process may read it where containers map users; the inbox itself is private.
        folder.mkdir(mode=0o755)
        tree = Encoder(PartWriter(str(folder))).encode(value)
        with open(folder / TREE, "w", encoding="utf-8") as file:
            file.write(json.dumps(tree))  # json.dump would go piece by piece, in Python
    except Uncrossable as error:
        refusals.cannot(name, error.kind, error.why, error.where)
    except OSError as error:
        raise SandboxError(
            f"{name} could not be handed to the sandbox",
            why=error.strerror or str(error),
            do=f"free some space in {folder.parent}",
        ) from None
    except RecursionError:
        refusals.cannot(name, type(value).__name__, "it is nested too deep, or contains itself")


def _read(scratch: Scratch, token: str, name: str, limit: int) -> Any:
    def open_part(part: int | str) -> int:
        return scratch.open_file([token, str(part)])

    try:
        tree = json.loads(_tree(open_part(TREE)))
        return Decoder(PartReader(open_part, limit=limit)).decode(tree)
    except (SandboxDied, MemoryError):
        raise
    except Exception as error:
        # Whatever a library raises on hostile data: it was not what our own writer would have written.
        why = str(error) if isinstance(error, (Malformed, Unsafe)) else type(error).__name__
        refusals.refuse(
            name, "object", f"what the sandbox sent is not what it said: expected {text.one_line(why, 200)}"
        )
    finally:
        scratch.discard(token)


def _tree(descriptor: int) -> bytes:
    try:
        size = os.fstat(descriptor).st_size
        expect(size <= TREE_LIMIT, f"plain data of at most {TREE_LIMIT >> 20} MB")
        tree = bytes(read_exactly(descriptor, size))
        expect(tree.count(b"[") + tree.count(b"{") <= CONTAINERS, f"at most {CONTAINERS:,} lists and dicts in it")
        return tree
    finally:
        os.close(descriptor)
