"""Strings that spell a refused name, in one piece or put together."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from jupyter_autocoder.policy.folding import UNKNOWN, Folder
from jupyter_autocoder.policy.names import FACTS, FRAMES, OPERATIONS, is_dunder
from jupyter_autocoder.policy.rules.base import Hit, Rule
from jupyter_autocoder.policy.scan import Scan

_HARMLESS = FACTS | OPERATIONS | {"__file__", "__future__", "__pycache__", "__total__", "__index_level_0__"}
_WORDS = re.compile(r"(?<![A-Za-z0-9_])(?:__[a-z]+(?:_[a-z]+)*__|(?:gi|cr|ag|tb|f|co)_[a-z]+)(?![A-Za-z0-9_])")
_SENTENCE = re.compile(r"[A-Za-z]{2,} +[A-Za-z]{2,} +[A-Za-z]{2,}")
# Only where put together does an ordinary word look like a disguise.
_DISGUISED = frozenset(
    {"eval", "exec", "compile", "subprocess", "builtins", "importlib", "os.system", "popen", "system"}
)


def spelled(text: str) -> str | None:
    """Return a refused name that `text` spells, unless it stands in a sentence."""
    for part in text.split(UNKNOWN):
        for name in _WORDS.findall(part):
            refused = name in FRAMES if not is_dunder(name) else name not in _HARMLESS
            if refused and not _SENTENCE.search(part):
                return str(name)
    return None


def _find(scan: Scan) -> Iterator[Hit]:
    documents = {id(node.value) for node in scan.nodes(ast.Expr)}
    for node in scan.nodes(ast.Constant):
        value = node.value
        if value.__class__ is str and "_" in value and id(node) not in documents:
            name = spelled(value)
            if name is not None:
                yield Hit(node, f"the string spells {name!r}")
    for plain in scan.nodes(ast.Constant):
        if isinstance(plain.value, str) and plain.value.startswith("module://"):  # matplotlib imports what follows
            yield Hit(plain, f"the string {plain.value[:60]!r} imports a module by name")
    folder = scan.once(Folder)
    for kind in (ast.BinOp, ast.Call, ast.Subscript, ast.JoinedStr):
        for made in scan.nodes(kind):
            text = _made(folder, made)
            name = text and (spelled(text) or (text if text in _DISGUISED else None))
            if name:
                yield Hit(made, f"the expression spells {name!r}")


def _made(folder: Folder, node: ast.AST) -> str | None:
    value = folder.fold(node)
    if isinstance(value, bytes):
        return value.decode("latin-1")
    return value if isinstance(value, str) else None


RULE = Rule(
    id="spelled-name",
    summary="A string spells a name that may not be used.",
    reason="Names in strings find their way to attributes through many doors; a disguise is no accident.",
    fix="Do without the name; nothing in ordinary programs needs it.",
    find=_find,
)
