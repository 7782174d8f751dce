"""What a string expression spells, as far as the source says: ``"__cl" + "ass__"`` and its many disguises.

A fold is a string, bytes, a number or a tuple of folds; UNKNOWN stands in a string for each part that only the running
program knows. Nothing is executed but string methods with bounded results.
"""

from __future__ import annotations

import ast
import base64
import codecs
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from jupyter_autocoder.policy.scan import Scan
from jupyter_autocoder.policy.words import words

UNKNOWN = "\ufdd0"  # a code point that is promised never to be a character
# Names are short: a longer result is cut, so that no expression makes the checker hold more than this.
_LONGEST = 2_000
_DEEPEST = 80
_BUDGET = 2_000_000  # characters made in all, about 50 ms of work
_CODECS = frozenset({"rot13", "rot_13", "utf-8", "utf8", "ascii", "latin-1", "utf-16", "utf-32", "hex", "base64"})
_WIDE = re.compile(r"\d{4}")

Fold = Any  # str | bytes | int | float | tuple[Fold, ...] | None; None: nothing is known


class Folder:
    """Folds expressions of one scan; each node is folded once."""

    def __init__(self, scan: Scan) -> None:
        self._scan = scan
        self._known: dict[int, Fold] = {}
        self._depth = 0
        self._budget = _BUDGET

    def fold(self, node: ast.AST | None) -> Fold:
        """Return what `node` spells, or None; raises RecursionError where expressions nest deeper than is checked."""
        if node is None:
            return None
        if node.__class__ is ast.Constant:
            value = node.value
            return value if isinstance(value, str | bytes | int | float) else None
        handler = _FOLDS.get(node.__class__)
        if handler is None:
            return None
        key = id(node)
        if key not in self._known:
            self._known[key] = None  # a name that is defined by itself spells nothing
            if self._depth > _DEEPEST:
                raise RecursionError
            self._depth += 1
            value = self._known[key] = _cut(handler(self, node))
            self._depth -= 1
            self._spend(value)
        return self._known[key]

    def text(self, node: ast.AST | None) -> str | None:
        """Return the string that `node` spells, with UNKNOWN in it where parts are not known."""
        value = self.fold(node)
        return value if isinstance(value, str) else None

    def choices(self, node: ast.AST) -> frozenset[str] | None:
        """Return every string that `node` may be; None unless all are known."""
        found: set[str] = set()
        seen: set[int] = set()
        stack = [node]
        while stack:
            here = stack.pop()
            if id(here) in seen:
                continue
            seen.add(id(here))
            if isinstance(here, ast.IfExp):
                stack += [here.body, here.orelse]
            elif isinstance(here, ast.Name):
                values = self._scan.values(here.id)
                if values is None:
                    return None
                stack += values
            else:
                text = self.text(here)
                if text is None or UNKNOWN in text:
                    return None
                found.add(text)
        return frozenset(found) or None

    def _spend(self, value: Fold) -> None:
        self._budget -= len(value) if isinstance(value, str | bytes | tuple) else 1
        if self._budget < 0:
            raise RecursionError

    # -- kinds of expressions ------------------------------------------------------------------------------------------
    def _name(self, node: ast.Name) -> Fold:
        values = self._scan.values(node.id)
        return self.fold(values[0]) if values and len(values) == 1 else None

    def _named(self, node: ast.NamedExpr) -> Fold:
        return self.fold(node.value)

    def _joined(self, node: ast.JoinedStr) -> Fold:
        return _join("", [self.fold(part) for part in node.values])

    def _formatted(self, node: ast.FormattedValue) -> Fold:
        value = self.fold(node.value)
        return value if isinstance(value, str) and node.conversion == -1 and node.format_spec is None else UNKNOWN

    def _sequence(self, node: ast.List | ast.Tuple) -> Fold:
        if len(node.elts) > _LONGEST:
            return None
        return tuple(self.fold(part) for part in node.elts)

    def _unary(self, node: ast.UnaryOp) -> Fold:
        value = self.fold(node.operand)
        return -value if isinstance(node.op, ast.USub) and isinstance(value, int) else None

    def _binary(self, node: ast.BinOp) -> Fold:
        if isinstance(node.op, ast.Add):
            return self._sum(node)
        left, right = self.fold(node.left), self.fold(node.right)
        if isinstance(node.op, ast.Mult):
            return _times(left, right)
        if isinstance(node.op, ast.Mod) and isinstance(left, str):
            return _percent(left, right)
        if isinstance(left, int) and isinstance(right, int) and max(abs(left), abs(right)) < 1 << 32:
            return _arithmetic(node.op, left, right)
        return None

    def _sum(self, node: ast.BinOp) -> Fold:
        parts: list[Fold] = []
        here: ast.expr = node
        while isinstance(here, ast.BinOp) and isinstance(here.op, ast.Add):  # a long sum is deep only on its left
            self._known.setdefault(id(here), None)
            parts.append(self.fold(here.right))
            here = here.left
        parts.append(self.fold(here))
        parts.reverse()
        kinds = {type(part) for part in parts} - {type(None)}
        if kinds == {str}:
            return _join("", parts)
        if len(kinds) == 1 and None not in parts and kinds <= {bytes, tuple, int}:
            total = parts[0]
            for part in parts[1:]:
                total = _cut(total + part)
                if total is None:
                    break
            return total
        return None

    def _subscript(self, node: ast.Subscript) -> Fold:
        value = self.fold(node.value)
        if not isinstance(value, str | bytes | tuple):
            return None
        if isinstance(node.slice, ast.Slice):
            ends = [node.slice.lower, node.slice.upper, node.slice.step]
            known = [self.fold(end) for end in ends]
            if any(end is not None and not isinstance(one, int) for end, one in zip(ends, known, strict=True)):
                return None
            return None if known[2] == 0 else value[slice(*known)]
        index = self.fold(node.slice)
        return value[index] if isinstance(index, int) and -len(value) <= index < len(value) else None

    def _comprehension(self, node: ast.ListComp | ast.GeneratorExp) -> Fold:
        """Fold ``chr(c) for c in (99, 108)`` and its like: one known iterable, an element made of the loop's name."""
        loop = node.generators[0]
        items = self.fold(loop.iter)
        if len(node.generators) != 1 or loop.ifs or not isinstance(loop.target, ast.Name):
            return None
        if not isinstance(items, str | bytes | tuple):
            return None
        return tuple(self._element(node.elt, loop.target.id, item) for item in items)

    def _element(self, node: ast.expr, name: str, item: Fold) -> Fold:
        match node:
            case ast.Name(id=used) if used == name:
                return item
            case ast.Call(func=ast.Name(id=("chr" | "str" | "int" | "ord") as function), args=[inner], keywords=[]):
                return _BUILTINS[function]([self._element(inner, name, item)])
            case ast.BinOp(left=left, op=op, right=right):
                first, second = self._element(left, name, item), self._element(right, name, item)
                if isinstance(first, int) and isinstance(second, int):
                    return _arithmetic(op, first, second)
                if isinstance(first, str) and isinstance(second, str) and isinstance(op, ast.Add):
                    return first + second
                return None
            case ast.Subscript(value=value, slice=index):
                text, at = self.fold(value), self._element(index, name, item)
                known = isinstance(text, str | bytes | tuple) and isinstance(at, int) and -len(text) <= at < len(text)
                return text[at] if known else None
        return self.fold(node)

    def _call(self, node: ast.Call) -> Fold:
        if any(isinstance(arg, ast.Starred) for arg in node.args):
            return None
        match node.func:
            case ast.Name(id="map") if len(node.args) == 2 and isinstance(node.args[0], ast.Name):
                items, function = self.fold(node.args[1]), _BUILTINS.get(node.args[0].id)
                known = function is not None and isinstance(items, str | bytes | tuple)
                return tuple(function([item]) for item in items) if known and function else None
            case ast.Name(id=name) if name in _BUILTINS and not node.keywords:
                return _BUILTINS[name]([self.fold(arg) for arg in node.args])
            case ast.Attribute(value=value, attr=attr) if attr in _METHODS:
                receiver = self.fold(value)
                if isinstance(receiver, str | bytes):
                    return _method(receiver, attr, [self.fold(arg) for arg in node.args], node)
                return self._module_call(node, attr)
            case ast.Attribute(attr=attr) | ast.Name(id=attr) if attr in _DECODERS:
                return self._module_call(node, attr)
        return None

    def _module_call(self, node: ast.Call, attr: str) -> Fold:
        decode = _DECODERS.get(attr)
        if decode is None or not node.args:
            return None
        return _attempt(lambda: decode(*[self.fold(arg) for arg in node.args]))


_FOLDS: Mapping[type, Callable[[Folder, Any], Fold]] = {
    ast.Name: Folder._name,
    ast.NamedExpr: Folder._named,
    ast.JoinedStr: Folder._joined,
    ast.FormattedValue: Folder._formatted,
    ast.List: Folder._sequence,
    ast.Tuple: Folder._sequence,
    ast.UnaryOp: Folder._unary,
    ast.BinOp: Folder._binary,
    ast.Subscript: Folder._subscript,
    ast.ListComp: Folder._comprehension,
    ast.GeneratorExp: Folder._comprehension,
    ast.Call: Folder._call,
}


def _attempt(work: Callable[[], Fold]) -> Fold:
    try:
        return work()
    except Exception:  # whatever the string method dislikes, the running program will dislike as well
        return None


def _word(value: Fold) -> str:
    return value if isinstance(value, str) else UNKNOWN


def _join(separator: str, parts: Iterable[Fold]) -> str:
    text = ""
    for number, part in enumerate(parts):
        text += (separator if number else "") + _word(part)
        if len(text) > _LONGEST:
            break
    return text


def _cut(value: Fold) -> Fold:
    if isinstance(value, str | bytes | tuple) and len(value) > _LONGEST:
        return value[:_LONGEST]
    return value


def _times(left: Fold, right: Fold) -> Fold:
    if isinstance(left, int) and isinstance(right, int):
        return left * right if max(abs(left), abs(right)) < 1 << 32 else None
    if isinstance(right, str | bytes):
        left, right = right, left
    if isinstance(left, str | bytes):
        # Unknown counts read like two: what is repeated can only spell something where its ends meet.
        count = right if isinstance(right, int) else 2
        return left * max(0, min(count, _LONGEST // max(len(left), 1) + 1))
    return None


def _arithmetic(op: ast.operator, left: int, right: int) -> int | None:
    match op:
        case ast.Add():
            return left + right
        case ast.Sub():
            return left - right
        case ast.Mult():
            return left * right if max(abs(left), abs(right)) < 1 << 32 else None
        case ast.BitXor():
            return left ^ right
        case ast.FloorDiv() if right:
            return left // right
        case ast.Mod() if right:
            return left % right
    return None


def _percent(text: str, values: Fold) -> Fold:
    if _WIDE.search(text) or "*" in text:
        return None
    if values is None:
        return re.sub(r"%[-+ #0-9.]*[a-zA-Z]", UNKNOWN, text)
    whole = tuple(UNKNOWN if value is None else value for value in values) if isinstance(values, tuple) else values
    return _attempt(lambda: text % whole)


def _method(receiver: str | bytes, name: str, args: list[Fold], node: ast.Call) -> Fold:
    if name == "join":
        items = args[0] if args else None
        if not isinstance(items, str | tuple) or not isinstance(receiver, str):
            return receiver.join(items) if isinstance(items, tuple) and set(map(type, items)) == {bytes} else None
        return _join(receiver, items)
    if name == "format":
        return _format(receiver, args, node) if isinstance(receiver, str) else None
    if node.keywords or None in args:
        return None
    if name in ("decode", "encode") and args and args[0] not in _CODECS:
        return None
    if name == "replace" and len(receiver) * max((len(arg) for arg in args[1:2]), default=0) > 50 * _LONGEST:
        return None
    result = _attempt(lambda: getattr(receiver, name)(*args))
    return tuple(result) if isinstance(result, list) else result


def _format(receiver: str, args: list[Fold], node: ast.Call) -> Fold:
    if _WIDE.search(receiver) or re.search(r"\{[^}]*\{", receiver.replace("{{", "").replace("}}", "")) or node.keywords:
        return None
    values = [UNKNOWN if arg is None else arg for arg in args]
    return _attempt(lambda: receiver.format(*values)) if all(isinstance(v, str | int) for v in values) else None


def _chr(args: list[Fold]) -> Fold:
    return chr(args[0]) if len(args) == 1 and isinstance(args[0], int) and 0 <= args[0] < 0x110000 else None


def _ord(args: list[Fold]) -> Fold:
    return ord(args[0]) if len(args) == 1 and isinstance(args[0], str | bytes) and len(args[0]) == 1 else None


def _str(args: list[Fold]) -> Fold:
    if len(args) == 2 and isinstance(args[0], bytes) and args[1] in _CODECS:
        return _attempt(lambda: args[0].decode(args[1]))
    return args[0] if len(args) == 1 and isinstance(args[0], str) else None


def _int(args: list[Fold]) -> Fold:
    known = args and isinstance(args[0], str | int) and len(str(args[0])) < 20 and None not in args
    return _attempt(lambda: int(*args)) if known else None


def _bytes(args: list[Fold]) -> Fold:
    if len(args) == 1 and isinstance(args[0], bytes | tuple):
        return _attempt(lambda: bytes(args[0]))
    return None


def _reversed(args: list[Fold]) -> Fold:
    return tuple(args[0][::-1]) if len(args) == 1 and isinstance(args[0], str | bytes | tuple) else None


def _tuple(args: list[Fold]) -> Fold:
    return tuple(args[0]) if len(args) == 1 and isinstance(args[0], str | bytes | tuple) else None


_BUILTINS: Mapping[str, Callable[[list[Fold]], Fold]] = {
    "chr": _chr,
    "ord": _ord,
    "str": _str,
    "int": _int,
    "bytes": _bytes,
    "bytearray": _bytes,
    "reversed": _reversed,
    "tuple": _tuple,
    "list": _tuple,
}

# String methods whose result is no longer than what goes in, but for the bounded ones above.
_METHODS = words(
    "capitalize casefold decode encode format fromhex join lower lstrip removeprefix removesuffix replace rsplit "
    "rstrip split strip swapcase title upper"
)


def _decode(value: Fold, codec: Fold = "utf-8") -> Fold:
    return codecs.decode(value, codec) if codec in _CODECS else None


_DECODERS: Mapping[str, Callable[..., Fold]] = {
    "fromhex": lambda text: bytes.fromhex(text),
    "unhexlify": lambda text: bytes.fromhex(text.decode() if isinstance(text, bytes) else text),
    "b64decode": base64.b64decode,
    "urlsafe_b64decode": base64.urlsafe_b64decode,
    "b32decode": base64.b32decode,
    "b16decode": base64.b16decode,
    "b85decode": base64.b85decode,
    "decode": _decode,
    "encode": lambda value, codec="utf-8": codecs.encode(value, codec) if codec in _CODECS else None,
}
