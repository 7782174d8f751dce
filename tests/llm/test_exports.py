"""The package's public names, and what importing them costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from jupyter_autocoder import llm

ROOT = Path(__file__).parents[2]


def test_public_names_are_these() -> None:
    assert llm.__all__ == ["GovernedClient", "Governor", "SyncClient", "image", "redact"]
    assert all(callable(getattr(llm, name)) for name in llm.__all__)
    assert dir(llm) == sorted(llm.__all__)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="GovernedKlient"):
        llm.GovernedKlient  # noqa: B018


def test_names_are_had_without_loading_the_sdk() -> None:
    code = (
        "import sys; from jupyter_autocoder.llm import GovernedClient, Governor, SyncClient, image, redact;"
        "print(*{'openai', 'jsonschema', 'tiktoken', 'psycopg', 'pydantic', 'httpx2'} & set(sys.modules))"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)

    assert done.stdout.strip() == ""
