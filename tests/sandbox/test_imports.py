"""nbclient is imported without compiling jsonschema's grammar, which still works for whoever needs it."""

from __future__ import annotations

import subprocess
import sys

import pytest

pytest.importorskip("rfc3987_syntax")

CHECK = """
import sys
{before}
from jupyter_autocoder.sandbox import Sandbox
print("rfc3987_syntax.syntax_helpers" in sys.modules)
import jsonschema
checker = jsonschema.FormatChecker(["iri"])
print(checker.conforms("http://example.org/ü", "iri"), checker.conforms("no iri at all", "iri"))
import rfc3987_syntax
print(rfc3987_syntax.__file__ is not None)
"""


def run(before: str) -> list[str]:
    code = CHECK.format(before=before)
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.splitlines()


def test_the_grammar_is_compiled_when_the_first_iri_is_checked() -> None:
    assert run("") == ["False", "True False", "True"]


def test_a_process_that_has_it_already_keeps_it() -> None:
    assert run("import jsonschema") == ["True", "True False", "True"]
