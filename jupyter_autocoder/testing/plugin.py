"""A pytest fixture for tests of your own notebooks and code; switched on in a ``conftest.py``::

pytest_plugins = ["jupyter_autocoder.testing.plugin"]

def test_my_notebook(fake_openai):
    server = fake_openai({"monthly mean": "result = df.groupby('month').mean()"})
    ...run the notebook, in this process or another...
    assert len(server.requests) == 1
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from jupyter_autocoder import settings
from jupyter_autocoder.testing.server import Answers, FakeOpenAI


@pytest.fixture
def fake_openai(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[..., FakeOpenAI]]:
    """Start a `FakeOpenAI` with the given answers and point this process and its children at it.

    Usage and limits are kept in a store of this test alone; keys and servers that the environment names are hidden.
    """
    for name in ("OPENAI_API_KEY", "AZURE_OPENAI_API_KEY", "AUTOCODER_MODEL_BASE_URL", "AUTOCODER_STORE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "jupyter"))
    settings.current.cache_clear()
    with ExitStack() as stack:

        def start(answers: Answers, **options: Any) -> FakeOpenAI:
            server = stack.enter_context(FakeOpenAI(answers, **options))
            monkeypatch.setenv("OPENAI_BASE_URL", server.base_url)
            settings.current.cache_clear()
            return server

        yield start
    settings.current.cache_clear()
