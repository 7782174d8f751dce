"""The syntax that may be used: every kind of node with the fields that are walked; what is missing here is refused.

The table names fields of all supported Python versions. A kind whose running version has a field that is neither
walked nor known to be a plain word is dropped from the table, so a newer grammar is refused until it was judged here.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

from jupyter_autocoder.policy.words import words

_WALKED: Mapping[str, str] = {
    # statements
    "Module": "body",
    "FunctionDef": "args body decorator_list returns type_params",
    "AsyncFunctionDef": "args body decorator_list returns type_params",
    "ClassDef": "bases keywords body decorator_list type_params",
    "Return": "value",
    "Delete": "targets",
    "Assign": "targets value",
    "TypeAlias": "name type_params value",
    "AugAssign": "target value",
    "AnnAssign": "target annotation value",
    "For": "target iter body orelse",
    "AsyncFor": "target iter body orelse",
    "While": "test body orelse",
    "If": "test body orelse",
    "With": "items body",
    "AsyncWith": "items body",
    "Match": "subject cases",
    "Raise": "exc cause",
    "Try": "body handlers orelse finalbody",
    "TryStar": "body handlers orelse finalbody",
    "Assert": "test msg",
    "Import": "names",
    "ImportFrom": "names",
    "Global": "",
    "Nonlocal": "",
    "Expr": "value",
    "Pass": "",
    "Break": "",
    "Continue": "",
    # expressions
    "BoolOp": "values",
    "NamedExpr": "target value",
    "BinOp": "left right",
    "UnaryOp": "operand",
    "Lambda": "args body",
    "IfExp": "test body orelse",
    "Dict": "keys values",
    "Set": "elts",
    "ListComp": "elt generators",
    "SetComp": "elt generators",
    "DictComp": "key value generators",
    "GeneratorExp": "elt generators",
    "Await": "value",
    "Yield": "value",
    "YieldFrom": "value",
    "Compare": "left comparators",
    "Call": "func args keywords",
    "FormattedValue": "value format_spec",
    "JoinedStr": "values",
    "TemplateStr": "values",
    "Interpolation": "value format_spec",
    "Constant": "",
    "Attribute": "value",
    "Subscript": "value slice",
    "Starred": "value",
    "Name": "",
    "List": "elts",
    "Tuple": "elts",
    "Slice": "lower upper step",
    # parts
    "comprehension": "target iter ifs",
    "ExceptHandler": "type body",
    "arguments": "posonlyargs args vararg kwonlyargs kw_defaults kwarg defaults",
    "arg": "annotation",
    "keyword": "value",
    "alias": "",
    "withitem": "context_expr optional_vars",
    "match_case": "pattern guard body",
    "MatchValue": "value",
    "MatchSingleton": "",
    "MatchSequence": "patterns",
    "MatchMapping": "keys patterns",
    "MatchClass": "cls patterns kwd_patterns",
    "MatchStar": "",
    "MatchAs": "pattern",
    "MatchOr": "patterns",
    "TypeVar": "bound default_value",
    "ParamSpec": "default_value",
    "TypeVarTuple": "default_value",
}

# Fields that hold words, numbers or one of the operators; the rules read the words they need from the nodes.
_PLAIN = words(
    "attr arg asname conversion ctx id is_async kind kwd_attrs level lineno module name names op ops rest simple "
    "str tag type_comment type_ignores value"
)


def _table() -> dict[type, tuple[str, ...]]:
    table: dict[type, tuple[str, ...]] = {type(None): ()}  # gaps in lists: `{**d}`, keyword-only without a default
    for name, fields in _WALKED.items():
        kind = getattr(ast, name, None)
        if kind is None:
            continue
        walked = tuple(field for field in fields.split() if field in kind._fields)
        if set(kind._fields) - set(walked) <= _PLAIN:
            table[kind] = walked
    return table


FIELDS: Mapping[type, tuple[str, ...]] = _table()
