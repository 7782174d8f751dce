"""The linter of function schemas and the check of arguments: each rule with what it refuses and what it lets pass."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from jupyter_autocoder.errors import ToolArgumentsError, ToolSchemaError
from jupyter_autocoder.llm import tools

STRICT: dict[str, Any] = {
    "type": "object",
    "properties": {"city": {"type": "string"}, "days": {"type": ["integer", "null"]}},
    "required": ["city", "days"],
    "additionalProperties": False,
}


def tool(parameters: Any = None, **function: Any) -> dict[str, Any]:
    made: dict[str, Any] = {"name": "f", **function}
    if parameters is not None:
        made["parameters"] = parameters
    return {"type": "function", "function": made}


def nested(levels: int) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}, "required": ["a"], "additionalProperties": False}
    return schema


def many(count: int, size: int = 1) -> dict[str, Any]:
    names = [f"{n:0{size}}" for n in range(count)]
    properties = {name: {"type": "string"} for name in names}
    return {"type": "object", "properties": properties, "required": names, "additionalProperties": False}


@pytest.mark.parametrize(
    "given",
    [
        tool(),
        tool({"type": "object"}),
        tool({"type": "object", "properties": {}}),
        tool(STRICT, strict=True, description="Tell the weather"),
        tool(STRICT, strict=None),
        tool({"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"type": "string"}}}),
        tool({"type": "object", "properties": {"self": {"$ref": "#"}}}),
        tool({"type": "object", "properties": {"a/b": {"type": "null"}, "c": {"$ref": "#/properties/a~1b"}}}),
        tool({"type": "object", "properties": {"$ref": {"type": "string"}, "anything": True}}),
        tool({"type": "object", "allOf": [{"required": ["a"]}], "patternProperties": {"^x": {"minLength": 1}}}),
        tool({**STRICT, "properties": {"city": {"anyOf": [{"type": "string"}, {"type": "null"}]}, "days": {}}},
             strict=True),
        tool(nested(10), strict=True),
        tool(many(5_000), strict=True),
        tool({"type": "object", "properties": {"default": {"type": "object", "default": {"unknown": 1}}}}),
    ],
    ids=lambda value: str(value)[:60],
)  # fmt: skip
def test_good_schema_passes(given: dict[str, Any]) -> None:
    tools.check_tools([given])


P = "/0/function/parameters"


@pytest.mark.parametrize(
    ("given", "path", "rule"),
    [
        ("f", "/0", "object"),
        ({"type": "function"}, "/0/function", "object"),
        ({**tool(), "nmae": 1}, "/0/nmae", "known key"),
        ({**tool(), "type": "code"}, "/0/type", "type"),
        (tool(name="two words"), "/0/function/name", "name"),
        (tool(name=""), "/0/function/name", "name"),
        (tool(name="x" * 65), "/0/function/name", "name"),
        (tool(name="f\n"), "/0/function/name", "name"),
        (tool(name=7), "/0/function/name", "name"),
        (tool(description=7), "/0/function/description", "description"),
        (tool(strict="yes"), "/0/function/strict", "strict"),
        (tool(strict=True), "/0/function", "parameters"),
        (tool(arguments={}), "/0/function/arguments", "known key"),
        (tool([]), P, "object"),
        (tool({"type": "string"}), f"{P}/type", "object root"),
        (tool({"properties": {}}), f"{P}/type", "object root"),
        (tool({"type": "object", "properties": []}), f"{P}/properties", "metaschema"),
        (tool({"type": "objekt"}), f"{P}/type", "metaschema"),
        (tool({"type": "object", "properties": {"a": {"minimum": "1"}}}), f"{P}/properties/a/minimum", "metaschema"),
        (tool({"type": "object", "propertys": {}}), f"{P}/propertys", "known keyword"),
        (tool({"type": "object", "properties": {"a": {"items": {"typ": "string"}}}}),
         f"{P}/properties/a/items/typ", "known keyword"),
        (tool({"type": "object", "properties": {"a/b": {"x~y": 1}}}), f"{P}/properties/a~1b/x~0y", "known keyword"),
        (tool({"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}}), f"{P}/properties/a/$ref", "reference"),
        (tool({"type": "object", "properties": {"a": {"$ref": "https://x.org/a.json"}}}),
         f"{P}/properties/a/$ref", "reference"),
        (tool({"type": "object", "properties": {"a": {"$ref": "#/$defs/A"}}, "$defs": {"A": {"$ref": "#/$defs/A"}}}),
         f"{P}/$defs/A", "reference"),
        (tool({"type": "object", "$defs": {"A": {"anyOf": [{"$ref": "#/$defs/B"}]}, "B": {"$ref": "#/$defs/A"}}}),
         f"{P}/$defs/A", "reference"),
        (tool({"type": "object", "properties": {"a": {"$id": "https://x.org/a", "$ref": "#/b"}}}),
         f"{P}/properties/a/$id", "one document"),
        (tool({"type": "object", "$dynamicRef": "#x"}), f"{P}/$dynamicRef", "known keyword"),
        (tool({"type": "object", "properties": {"a": {"pattern": "("}}}), f"{P}/properties/a/pattern", "pattern"),
        (tool({"type": "object", "patternProperties": {"/[": {}}}), f"{P}/patternProperties/~1[", "pattern"),
        (tool({"type": "object", "properties": {"a": {"default": float("nan")}}}), P, "JSON"),
        (tool({"type": "object", "properties": {"a": {"enum": {1, 2}}}}), P, "JSON"),
        (tool({**STRICT, "additionalProperties": True}, strict=True), P, "strict: additionalProperties"),
        (tool({"type": "object", "properties": {}}, strict=True), P, "strict: additionalProperties"),
        (tool({**STRICT, "required": ["city"]}, strict=True), f"{P}/required", "strict: required"),
        (tool({**STRICT, "required": ["city", "days", "no"]}, strict=True), f"{P}/required", "strict: required"),
        (tool({**STRICT, "properties": {**STRICT["properties"], "days": {"type": "object"}}}, strict=True),
         f"{P}/properties/days", "strict: additionalProperties"),
        (tool({**STRICT, "properties": {"city": {"items": {"type": ["object", "null"]}, "type": "array"},
                                        "days": {"type": "null"}}}, strict=True),
         f"{P}/properties/city/items", "strict: additionalProperties"),
        (tool({**STRICT, "properties": {"city": True, "days": {"type": "null"}}}, strict=True),
         f"{P}/properties/city", "strict: schema"),
        *[(tool({**STRICT, word: value}, strict=True), f"{P}/{word}", "strict: keyword")
          for word, value in {"allOf": [], "not": {}, "if": {}, "then": {}, "else": {}, "dependentRequired": {},
                              "dependentSchemas": {}, "oneOf": []}.items() if word not in ("allOf", "oneOf")],
        (tool({**STRICT, "allOf": [{"type": "object"}]}, strict=True), f"{P}/allOf", "strict: keyword"),
        (tool(nested(11), strict=True), P, "strict: size"),
        (tool(many(5_001), strict=True), P, "strict: size"),
        (tool(many(1_001, 120), strict=True), P, "strict: size"),
        (tool({**STRICT, "properties": {"city": {"enum": list(range(1_001))}, "days": {"type": "null"}}}, strict=True),
         P, "strict: size"),
    ],
    ids=lambda value: str(value)[:60],
)  # fmt: skip
def test_bad_schema_is_refused_with_path_and_rule(given: Any, path: str, rule: str) -> None:
    with pytest.raises(ToolSchemaError) as caught:
        tools.check_tools([given])

    assert (caught.value.path, caught.value.rule) == (path, rule)
    assert "nothing was sent" in caught.value.do


def test_two_tools_of_one_name_are_refused() -> None:
    with pytest.raises(ToolSchemaError) as caught:
        tools.check_tools([tool(), tool()])

    assert caught.value.path == "/1/function/name"


def test_too_many_tools_are_refused() -> None:
    with pytest.raises(ToolSchemaError):
        tools.check_tools([tool(name=f"f{n}") for n in range(129)])


def test_checking_changes_nothing() -> None:
    given = tool(STRICT, strict=True)
    before = copy.deepcopy(given)

    tools.check_tools([given])

    assert given == before


@pytest.mark.parametrize(
    "arguments", ['{"city": "Köln", "days": 1}', '{"city": "", "days": null}', ' {"days": 0, "city": "x"} ']
)
def test_arguments_that_fit_are_given_back(arguments: str) -> None:
    assert set(tools.read_arguments([tool(STRICT)], "f", arguments)) == {"city", "days"}


@pytest.mark.parametrize(
    ("name", "arguments", "path"),
    [
        ("g", "{}", ""),
        ("f", "", ""),
        ("f", "{", ""),
        ("f", "[]", ""),
        ("f", "null", ""),
        ("f", '{"city": "x", "days": NaN}', ""),
        ("f", '{"city": "x"}', ""),
        ("f", '{"city": 1, "days": 1}', "/city"),
        ("f", '{"city": "x", "days": 1.5}', "/days"),
        ("f", '{"city": "x", "days": 1, "more": 1}', ""),
        ("f", "[" * 100_000, ""),
    ],
    ids=lambda value: str(value)[:30],
)
def test_arguments_that_do_not_fit_are_refused_with_their_path(name: str, arguments: str, path: str) -> None:
    with pytest.raises(ToolArgumentsError) as caught:
        tools.read_arguments([tool(STRICT)], name, arguments)

    assert (caught.value.tool, caught.value.path) == (name, path)


def test_tool_without_parameters_takes_no_particular_arguments() -> None:
    assert tools.read_arguments([tool()], "f", "") == {}


def test_arguments_nested_without_end_are_refused_and_not_a_crash() -> None:
    branch = {"anyOf": [{"$ref": "#"}, {"type": "null"}]}
    tree = {"type": "object", "properties": {"a": branch}, "required": ["a"], "additionalProperties": False}
    given = tool(tree, strict=True)
    tools.check_tools([given])

    with pytest.raises(ToolArgumentsError, match="nested too deeply"):
        tools.read_arguments([given], "f", '{"a":' * 900 + "null" + "}" * 900)
