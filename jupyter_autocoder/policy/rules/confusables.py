"""Names that look like others: a Cyrillic letter in a Latin word."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator

from jupyter_autocoder.policy.rules.base import Hit, Rule
from jupyter_autocoder.policy.scan import Scan

# Letters of other alphabets that are drawn like Latin ones (Unicode TR 39, those of ordinary words).
_LATIN = str.maketrans(
    "аеорсухіјѕԁһӏԛԝмтвнкгАВЕКМНОРСТУХІЈЅοινυρκηγχτεαΑΒΕΖΗΙΚΜΝΟΡΤΥΧıʟꓳ",
    "aeopcyxijsdhlqwmtbhkrABEKMHOPCTYXIJSoivupknyxteaABEZHIKMNOPTYXilO",
)
_BUILTINS = frozenset(dir(builtins))


def _find(scan: Scan) -> Iterator[Hit]:
    if scan.source.isascii():
        return
    ascii_names = {name for name in scan.bound | scan.names.keys() | scan.attributes.keys() if name.isascii()}
    for name, node in _foreign(scan):
        plain = name.translate(_LATIN)
        if plain.isascii() and (plain in _BUILTINS or plain in ascii_names) and len(plain) > 1:
            yield Hit(node, f"the name {name!a} looks like {plain!r} and is not")


def _foreign(scan: Scan) -> Iterator[tuple[str, ast.AST]]:
    for table in (scan.names, scan.attributes):
        for name, nodes in table.items():
            if not name.isascii():
                yield name, nodes[0]
    for function in [*scan.functions, *scan.nodes(ast.ClassDef)]:
        if not function.name.isascii():
            yield function.name, function
    for argument in scan.nodes(ast.arg):
        if not argument.arg.isascii():
            yield argument.arg, argument


RULE = Rule(
    id="confusable-name",
    summary="A name is written to look like another one.",
    reason="A person who reads the code before it runs must see what it says.",
    fix="Write names in one alphabet.",
    find=_find,
)
