"""Function schemas, checked before anything is reserved or sent, and the arguments that come back.

jsonschema's own check of a schema misses misspelt keywords, references that lead nowhere and everything that
``strict: true`` demands; the rules here are those of the API's guide to structured outputs.
"""

from __future__ import annotations

import graphlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from jupyter_autocoder.errors import ToolArgumentsError, ToolSchemaError

NAME = re.compile(r"[A-Za-z0-9_-]{1,64}\Z")
MOST_TOOLS = 128
MOST_PROPERTIES = 5_000
MOST_LEVELS = 10
MOST_ENUM_VALUES = 1_000
MOST_NAME_CHARACTERS = 120_000

_TOOL_KEYS = {"type", "function"}
_FUNCTION_KEYS = {"name", "description", "parameters", "strict"}
# Keywords whose value is a schema, a list of schemas, or schemas by name: where the walk goes on.
_ONE = ("items", "additionalProperties", "contains", "propertyNames", "not", "if", "then", "else",
        "unevaluatedItems", "unevaluatedProperties", "contentSchema")  # fmt: skip
_MANY = ("anyOf", "oneOf", "allOf", "prefixItems")
_NAMED = ("properties", "patternProperties", "$defs", "definitions", "dependentSchemas")
_OTHER = {
    "$schema", "$id", "$ref", "$anchor", "$comment", "type", "enum", "const", "title", "description", "default",
    "examples", "deprecated", "readOnly", "writeOnly", "format", "pattern", "minimum", "maximum", "exclusiveMinimum",
    "exclusiveMaximum", "multipleOf", "minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "minContains",
    "maxContains", "minProperties", "maxProperties", "required", "dependentRequired", "contentEncoding",
    "contentMediaType", "discriminator", "nullable",
}  # fmt: skip
KEYWORDS = frozenset(_OTHER.union(_ONE, _MANY, _NAMED))
# Keywords whose schemas are about the very value that the schema around them is about, and not about a part of it.
_SAME_ONE = ("not", "if", "then", "else")
_SAME_MANY = ("anyOf", "oneOf", "allOf")
_NOT_STRICT = ("allOf", "oneOf", "not", "if", "then", "else", "dependentRequired", "dependentSchemas",
               "patternProperties", "unevaluatedProperties", "propertyNames", "minProperties", "maxProperties",
               "contains", "unevaluatedItems", "uniqueItems")  # fmt: skip


def check_tools(tools: Sequence[Mapping[str, Any]]) -> None:
    """Check every tool of a request; raises ToolSchemaError with the JSON pointer and the rule that is broken."""
    if len(tools) > MOST_TOOLS:
        raise _broken("", "count", f"a request takes at most {MOST_TOOLS} tools, not {len(tools)}")
    names: set[str] = set()
    for index, tool in enumerate(tools):
        name = _check_tool(tool, f"/{index}")
        if name in names:
            raise _broken(f"/{index}/function/name", "unique name", f"two tools are called {name!r}")
        names.add(name)


def _check_tool(tool: Any, at: str) -> str:
    _object(tool, at, _TOOL_KEYS)
    if tool.get("type") != "function":
        raise _broken(f"{at}/type", "type", "the type of a tool is 'function'")
    function = tool.get("function")
    at += "/function"
    _object(function, at, _FUNCTION_KEYS)
    name = function.get("name")
    if not isinstance(name, str) or not NAME.match(name):
        raise _broken(f"{at}/name", "name", "a name has 1 to 64 letters, digits, _ and - and nothing else")
    if not isinstance(function.get("description", ""), str):
        raise _broken(f"{at}/description", "description", "a description is a text")
    if function.get("strict") not in (None, True, False):
        raise _broken(f"{at}/strict", "strict", "strict is true or false")
    if "parameters" in function:
        check_schema(function["parameters"], strict=bool(function.get("strict")), at=f"{at}/parameters")
    elif function.get("strict"):
        raise _broken(at, "parameters", "a strict function needs parameters, if only an empty object")
    return name


def check_schema(schema: Any, *, strict: bool = False, at: str = "") -> None:
    """Check one schema: the metaschema, known keywords, references, and with `strict` the rules of strict mode."""
    if not isinstance(schema, Mapping):
        raise _broken(at, "object", "parameters are a JSON schema, an object")
    _check_json(schema, at)
    _check_metaschema(schema, at)
    nodes = list(_walk(schema, at, 0))
    for node in nodes:
        _check_keywords(node, schema)
        _check_patterns(node)
        _check_reference(node, schema, at)
    _check_loops(nodes, schema)
    if schema.get("type") != "object":
        raise _broken(f"{at}/type", "object root", "the parameters of a function are of type object")
    if strict:
        for node in nodes:
            _check_strict(node)
        _check_sizes(nodes, at)


@dataclass(frozen=True, slots=True)
class _Node:
    schema: Any
    at: str
    level: int


def _walk(schema: Any, at: str, level: int) -> Iterator[_Node]:
    yield _Node(schema, at, level)
    if not isinstance(schema, Mapping):
        return
    for key in _ONE:
        if isinstance(schema.get(key), Mapping):
            yield from _walk(schema[key], f"{at}/{key}", level + 1)
    for key in _MANY:
        for index, item in enumerate(schema.get(key, ())):
            yield from _walk(item, f"{at}/{key}/{index}", level)
    for key in _NAMED:
        for name, item in schema.get(key, {}).items():
            yield from _walk(item, f"{at}/{key}/{_escape(name)}", level + (key == "properties"))


def _check_json(schema: Any, at: str) -> None:
    try:
        json.dumps(schema, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise _broken(at, "JSON", f"the schema cannot be written as JSON: {error}") from None


def _check_metaschema(schema: Any, at: str) -> None:
    from jsonschema import Draft202012Validator

    for error in Draft202012Validator(Draft202012Validator.META_SCHEMA).iter_errors(schema):
        path = "".join(f"/{_escape(str(part))}" for part in error.absolute_path)
        raise _broken(at + path, "metaschema", f"{error.message:.300}")


def _check_keywords(node: _Node, root: Mapping[str, Any]) -> None:
    for key in node.schema if isinstance(node.schema, Mapping) else ():
        if key == "$id" and node.schema is not root:
            raise _broken(f"{node.at}/$id", "one document", "only the whole schema may have an address of its own")
        if key not in KEYWORDS:
            raise _broken(f"{node.at}/{_escape(key)}", "known keyword", f"{key!r} is no keyword of JSON Schema")


def _check_patterns(node: _Node) -> None:
    schema = node.schema if isinstance(node.schema, Mapping) else {}
    patterns = [(f"{node.at}/pattern", schema[key]) for key in ("pattern",) if key in schema]
    patterns += [(f"{node.at}/patternProperties/{_escape(key)}", key) for key in schema.get("patternProperties", ())]
    for at, pattern in patterns:
        try:
            re.compile(pattern)
        except (re.error, RecursionError, OverflowError) as error:
            raise _broken(at, "pattern", f"this regular expression cannot be checked here: {error}") from None


def _check_loops(nodes: Sequence[_Node], root: Mapping[str, Any]) -> None:
    """Refuse schemas that lead back to themselves without ever going into a part of the value."""
    graph = {id(node.schema): [id(below) for below in _same_value(node.schema, root)] for node in nodes}
    try:
        graphlib.TopologicalSorter(graph).prepare()
    except graphlib.CycleError as error:
        at = next(node.at for node in nodes if id(node.schema) in error.args[1])
        raise _broken(at, "reference", "it leads back to itself, so that no value could be checked") from None


def _same_value(schema: Any, root: Mapping[str, Any]) -> Iterator[Any]:
    if not isinstance(schema, Mapping):
        return
    if "$ref" in schema:
        yield _resolved(schema["$ref"], root)
    yield from (schema[key] for key in _SAME_ONE if key in schema)
    yield from (item for key in _SAME_MANY for item in schema.get(key, ()))
    yield from schema.get("dependentSchemas", {}).values()


def _check_reference(node: _Node, root: Mapping[str, Any], at: str) -> None:
    reference = node.schema.get("$ref") if isinstance(node.schema, Mapping) else None
    if reference is not None and _resolved(reference, root) is None:
        why = f"{reference!r} leads nowhere; a reference is '#' or a path such as '#/$defs/Name' in the same schema"
        raise _broken(f"{node.at}/$ref", "reference", why)


def _resolved(reference: str, root: Any) -> Any:
    """Follow a reference; None where it leads nowhere."""
    if not reference.startswith("#/"):
        return root if reference == "#" else None
    for part in reference[2:].split("/"):
        part = part.replace("~1", "/").replace("~0", "~")
        if isinstance(root, Mapping) and part in root:
            root = root[part]
        elif isinstance(root, list) and part.isdigit() and int(part) < len(root):
            root = root[int(part)]
        else:
            return None
    return root if isinstance(root, (Mapping, bool)) else None


def _check_strict(node: _Node) -> None:
    schema, at = node.schema, node.at
    if not isinstance(schema, Mapping):
        raise _broken(at, "strict: schema", "strict mode takes no true or false in place of a schema")
    for key in _NOT_STRICT:
        if key in schema:
            raise _broken(f"{at}/{key}", "strict: keyword", f"strict mode does not take {key!r}")
    if not _is_object(schema):
        return
    if schema.get("additionalProperties") is not False:
        raise _broken(at, "strict: additionalProperties", "every object needs additionalProperties: false")
    properties, required = set(schema.get("properties", {})), set(schema.get("required", ()))
    if missing := sorted(properties - required):
        why = f"{missing[0]!r} is not required; an optional property is required and may be null"
        raise _broken(f"{at}/required", "strict: required", why)
    if extra := sorted(required - properties):
        raise _broken(f"{at}/required", "strict: required", f"{extra[0]!r} is required and is no property")


def _is_object(schema: Mapping[str, Any]) -> bool:
    kind = schema.get("type")
    return kind == "object" or (isinstance(kind, list) and "object" in kind) or "properties" in schema


def _check_sizes(nodes: Sequence[_Node], at: str) -> None:
    schemas = [node.schema for node in nodes if isinstance(node.schema, Mapping)]
    names = [
        name for schema in schemas for key in ("properties", "$defs", "definitions") for name in schema.get(key, ())
    ]
    values = [value for schema in schemas for value in schema.get("enum", ())]
    characters = sum(len(text) for text in (*names, *(value for value in values if isinstance(value, str))))
    sizes = (
        (sum(len(schema.get("properties", ())) for schema in schemas), MOST_PROPERTIES, "properties"),
        (max(node.level for node in nodes), MOST_LEVELS, "levels of objects in objects"),
        (len(values), MOST_ENUM_VALUES, "enum values"),
        (characters, MOST_NAME_CHARACTERS, "characters of names and enum values"),
    )
    for size, most, what in sizes:
        if size > most:
            raise _broken(at, "strict: size", f"strict mode takes at most {most} {what}, not {size}")


def read_arguments(tools: Sequence[Mapping[str, Any]], name: str, arguments: str) -> dict[str, Any]:
    """Parse and check the arguments of a call against the tool's schema; raises ToolArgumentsError with the path."""
    function = next((tool["function"] for tool in tools if tool["function"]["name"] == name), None)
    if function is None:
        raise _refused(name, "", f"there is no tool called {name!r}")
    try:
        value = json.loads(arguments or "{}", parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise _refused(name, "", f"the arguments are not JSON: {error}") from None
    if not isinstance(value, dict):
        raise _refused(name, "", "the arguments are not an object")
    try:
        misfit = _first_error(function.get("parameters") or {}, value)
    except RecursionError:
        raise _refused(name, "", "the arguments are nested too deeply to be checked") from None
    if misfit is not None:
        path = "".join(f"/{_escape(str(part))}" for part in misfit.absolute_path)
        raise _refused(name, path, f"{misfit.message:.300}")
    return value


def _first_error(schema: Any, value: Any) -> Any:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match
    from referencing import Registry

    # An empty registry: a schema can never make us fetch anything.
    return best_match(Draft202012Validator(schema, registry=Registry()).iter_errors(value))


def _no_constant(text: str) -> Any:
    msg = f"{text} is not JSON"
    raise ValueError(msg)


def _object(value: Any, at: str, known: set[str]) -> None:
    if not isinstance(value, Mapping):
        raise _broken(at, "object", "a tool is {'type': 'function', 'function': {...}}")
    if extra := sorted(map(str, set(value) - known)):
        raise _broken(f"{at}/{_escape(extra[0])}", "known key", f"known are {', '.join(sorted(known))}")


def _escape(part: str) -> str:
    return part.replace("~", "~0").replace("/", "~1")


def _broken(path: str, rule: str, why: str) -> ToolSchemaError:
    what = f"the tool schema breaks the rule {rule!r} at {path or '/'}"
    return ToolSchemaError(what, path=path, rule=rule, why=why, do="correct the schema; nothing was sent")


def _refused(tool: str, path: str, why: str) -> ToolArgumentsError:
    what = f"the model called {tool or 'a tool'} with arguments that do not fit" + (f" at {path}" if path else "")
    return ToolArgumentsError(
        what, tool=tool, path=path, why=why, do="ask again, or say more about the tool's arguments"
    )
