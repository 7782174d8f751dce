"""Files of the system and of the person, named in plain sight."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from jupyter_autocoder.policy.folding import Folder
from jupyter_autocoder.policy.rules.base import Hit, Rule
from jupyter_autocoder.policy.scan import Scan
from jupyter_autocoder.policy.words import words

_OUTSIDE = re.compile(
    r"(?:file://)?(?:/(?:etc|proc|sys|root|boot|run|var/run|var/lib|var/log|dev(?!/null$|/stdout$|/stderr$))(?:/.*)?"
    r"|~(?:[a-z_][\w-]*)?/.*"
    r"|(?:/home|/Users|/mnt/c/Users)/[\w.-]+(?:/.*)?"
    r"|(?:.*/)?\.(?:ssh|aws|gnupg|kube|docker|netrc|pgpass|git-credentials|bash_history|env|npmrc|pypirc|jupyter|ipython)"
    r"(?:/.*)?"
    r"|(?:.*/)?(?:id_rsa|id_ed25519|authorized_keys|docker\.sock)(?:\.pub)?"
    r"|.*/\.\./\.\./\.\./.*|(?:\.\./){3,}.*)",
    re.DOTALL,
)
# Followed only as far as files: links and rights change what a name means.
_LINKS = words("chmod hardlink_to lchmod link_to mkfifo mknod owner symlink symlink_to")
_TOP = re.compile(r"/+[*?\[]*|/\*\*.*|~|\.\./\.\.(?:/.*)?")
_LISTING = words("glob.glob glob.iglob os.listdir os.scandir os.walk pathlib.Path pathlib.PurePath shutil.rmtree")
_JOINS = frozenset({"join", "joinpath", "Path", "PurePath", "PosixPath"})


def is_outside(text: str) -> bool:
    """Say whether a string is the name of a file that is not the program's own."""
    return len(text) < 1000 and _OUTSIDE.fullmatch(text) is not None


def _find(scan: Scan) -> Iterator[Hit]:
    documents = {id(node.value) for node in scan.nodes(ast.Expr)}
    for node in scan.nodes(ast.Constant):
        value = node.value
        if (
            value.__class__ is str
            and ("/" in value or "." in value)
            and id(node) not in documents
            and is_outside(value)
        ):
            yield Hit(node, f"the file {value[:80]!r} is outside the program's own folder")
    yield from _joined(scan)
    for name in _LINKS & scan.attributes.keys():
        for attribute in scan.attributes[name]:
            if name != "owner" or not scan.paths(attribute.value):
                yield Hit(attribute, f"'.{name}' changes or reads links, rights or owners of files")
    for call in scan.nodes(ast.Call):
        match call:
            case ast.Call(args=[ast.Constant(value=str(text)), *_]) if _TOP.fullmatch(text):
                if scan.paths(call.func) & _LISTING:
                    yield Hit(call, f"the folder {text!r} is outside the program's own")
            case ast.Call(func=ast.Name(id="open"), args=[ast.Constant(value=int()), *_]):
                yield Hit(call, "a file is opened by the number of an open descriptor")


def _joined(scan: Scan) -> Iterator[Hit]:
    folder = scan.once(Folder)
    for kind in (ast.BinOp, ast.Call, ast.JoinedStr):
        for node in scan.nodes(kind):
            text = folder.text(node) or _joined_parts(folder, node)
            if text and ("/" in text or "." in text) and is_outside(text):
                yield Hit(node, f"the file {text[:80]!r} is outside the program's own folder")


def _joined_parts(folder: Folder, node: ast.AST) -> str | None:
    if not isinstance(node, ast.Call) or len(node.args) < 2:
        return None
    match node:
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=[_, _, *_] as args) if name in _JOINS:
            parts = [folder.text(arg) for arg in args]
            known = [part for part in parts if part is not None]
            return re.sub("/+", "/", "/".join(known)) if len(known) == len(parts) else None
    return None


RULE = Rule(
    id="outside-path",
    summary="A file of the system or of the person is named.",
    reason="Generated code works in a folder of its own; keys, settings and other processes are not there.",
    fix="Use plain file names in the working folder, such as 'prices.csv'.",
    find=_find,
)
