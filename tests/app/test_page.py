"""The run as a page: whole in one file, and safe to look at whatever the outputs hold."""

from __future__ import annotations

import re
from typing import Any

import nbformat
import pytest

from jupyter_autocoder.app import page, report

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def render(*outputs: Any, prompt: str = "Do it.", **row: Any) -> str:
    cell = nbformat.v4.new_code_cell(f"%%autocode\n{prompt}")
    cell.outputs = [nbformat.from_dict(output) for output in outputs]
    told = report.CellReport(index=0, prompt=prompt, source=cell.source, **{"status": "ok", **row})
    result = report.RunReport(
        notebook="n.ipynb", ok=True, exit_code=0, seconds=1, cost_micro_usd=4200, tokens=12, error="", cells=[told]
    )
    return page.render(nbformat.from_dict({"metadata": {}, "cells": [cell]}), result)


def data(**bundle: str) -> Any:
    return nbformat.v4.new_output("display_data", data={kind.replace("_", "/"): text for kind, text in bundle.items()})


def test_prompt_code_facts_outputs_and_cost_are_on_the_page() -> None:
    told = {"origin": "model", "model": "gpt-4o", "source": "x = 1\n", "tokens": {"input": 10, "output": 2},
            "checks": {"passed": 2, "count": 2}}  # fmt: skip

    shown = render(nbformat.v4.new_output("stream", text="hello <b>\n"), data(image_png=PIXEL), provenance=told)

    for words in (
        "Do it.",
        "x = 1",
        "2 of 2 checks passed",
        "12 tokens",
        "hello &lt;b&gt;",
        "$0.0042",
        "data:image/png",
    ):
        assert words in shown


@pytest.mark.parametrize(
    "text",
    [
        "<script>fetch('http://evil.example')</script>",
        "<img src='http://evil.example/x.png'>",
        "<img src=x onerror=alert(1)>",
        "<iframe src='http://evil.example'></iframe>",
        "<style>@import 'http://evil.example'</style>",
        "<a href='javascript:alert(1)'>x</a>",
        "</div></section><script>alert(1)</script>",
    ],
)
def test_nothing_on_the_page_loads_or_runs_whatever_an_output_holds(text: str) -> None:
    shown = render(data(text_html=text), data(image_png="not base64 '\" onerror=alert(1)"), prompt=text)

    body = shown.split("<body>")[1]
    assert not re.search(r"<(script|iframe|style|link|object|embed)\b", body)
    assert not re.search(r"<[^>]*\b(onerror|onload)\s*=", body)
    assert not re.search(r"<[^>]*(src|href)\s*=\s*[\"']?(http|javascript)", body)
    assert "default-src 'none'" in shown


def test_the_page_names_no_other_file() -> None:
    shown = render(data(text_plain="x"))

    assert not re.search(r"(src|href)=[\"'](?!data:)", shown)


def test_what_is_no_text_is_no_picture() -> None:
    shown = render({"output_type": "display_data", "data": {"image/png": 7, "text/plain": "seven"}, "metadata": {}})

    assert "<img" not in shown


@pytest.mark.parametrize(
    ("status", "words", "other"),
    [("failed", "failed", "by its tag"), ("allowed", "ChecksFailed, allowed by its tag", "class=failed")],
)
def test_a_failed_prompt_shows_how_it_failed_and_what_it_cost(status: str, words: str, other: str) -> None:
    spent = {"error": "ChecksFailed", "tokens": {"input": 30, "output": 12}, "cost_micro_usd": 2500}

    shown = render(status=status, error="ChecksFailed: 1 of 1 failed", provenance=spent)

    assert f"<section class={status}>" in shown
    assert f"<p class=quiet>{words} · " in shown
    assert "42 tokens · $0.0025" in shown
    assert other not in shown


def test_a_persons_cell_that_failed_as_its_tag_allows_says_so() -> None:
    shown = render(prompt="", status="allowed", error="ZeroDivisionError: division by zero")

    assert "<section class=allowed><p class=quiet>ZeroDivisionError, allowed by its tag</p>" in shown
