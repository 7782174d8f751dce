"""Values in and out, seen from inside: called by the kernel's handler for the host's requests."""

from __future__ import annotations

import errno
import importlib
import json
import os
import shutil
from typing import Any

from jupyter_autocoder.sandbox.codec.parts import PartReader, PartWriter, Uncrossable
from jupyter_autocoder.sandbox.codec.tree import Decoder, Encoder

TREE = "tree.json"
NO_LIMIT = 2**62
_FULL = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)

Answer = dict[str, Any]


def put(namespace: dict[str, Any], request: Answer) -> Answer:
    """Bind `name` to what the host wrote into `folder`."""
    folder = request["folder"]

    def open_part(number: int) -> int:
        return os.open(os.path.join(folder, str(number)), os.O_RDONLY | os.O_CLOEXEC)

    with open(os.path.join(folder, TREE), encoding="utf-8") as file:
        tree = json.load(file)
    namespace[request["name"]] = Decoder(PartReader(open_part, limit=NO_LIMIT)).decode(tree)
    return {"status": "ok"}


def get(namespace: dict[str, Any], request: Answer) -> Answer:
    """Write the value of `name` into the fresh `folder`; say so when it is missing, is no data or does not fit."""
    name, folder = request["name"], request["folder"]
    if name not in namespace:
        return {"status": "missing"}
    os.mkdir(folder, 0o700)
    try:
        tree = Encoder(PartWriter(folder)).encode(namespace[name])
        with open(os.path.join(folder, TREE), "w", encoding="utf-8") as file:
            file.write(json.dumps(tree))  # json.dump would go piece by piece, in Python
    except Uncrossable as error:
        shutil.rmtree(folder, ignore_errors=True)
        return {"status": "uncrossable", "kind": error.kind, "why": error.why, "where": error.where}
    except BaseException as error:
        shutil.rmtree(folder, ignore_errors=True)
        if isinstance(error, OSError) and error.errno in _FULL:
            return {"status": "full"}
        raise
    return {"status": "ok"}


def load(namespace: dict[str, Any], request: Answer) -> Answer:
    """Import `module`, so that the code that uses it does not wait for that."""
    importlib.import_module(request["module"])
    return {"status": "ok"}
