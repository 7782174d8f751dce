"""What the tests of the command line need: each reads the settings anew, as each command's process does."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from jupyter_autocoder import settings


@pytest.fixture(autouse=True)
def fresh_settings() -> Iterator[None]:
    """Neither does an earlier test's environment last into this one, nor this one's into a later one."""
    settings.current.cache_clear()
    yield
    settings.current.cache_clear()
