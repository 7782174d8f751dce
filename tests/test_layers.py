"""The floors of ARCHITECTURE.md: a file imports only lower floors, or its own floor inside its own folder."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "jupyter_autocoder"
FLOORS = [
    {"errors", "events", "folders", "kinds", "settings", "text"},
    {"policy", "agent", "trade"},
    {"store", "lock"},
    {"llm", "sandbox", "broking"},
    {"portal", "autocoder", "desk", "chat", "testing"},
    {"magics", "widgets", "server", "app"},
]
FLOOR_OF = {name: number for number, names in enumerate(FLOORS) for name in names}
FILES = [path for path in sorted(PACKAGE.rglob("*.py")) if path != PACKAGE / "__init__.py"]


def _part(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def _imports(path: Path) -> Iterator[tuple[str, int]]:
    """Yield the parts of our package that a file imports, anywhere in it, with the line."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively"
            module = node.module or ""
            names = [f"{module}.{alias.name}" for alias in node.names] if module == PACKAGE.name else [module]
        elif isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        else:
            continue
        for name in names:
            parts = name.split(".")
            if parts[0] == PACKAGE.name and len(parts) > 1 and not parts[1].startswith("__"):
                yield parts[1], node.lineno


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_imports_only_lower_floors_or_its_own_folder(path: Path) -> None:
    part = _part(path)
    assert part in FLOOR_OF, f"{part} stands on no floor"

    wrong = [
        f"line {line}: {other}"
        for other, line in _imports(path)
        # Within a floor the events of floor 0 may be shared by its neighbours, since they hold no behaviour.
        if other != part and FLOOR_OF[other] >= FLOOR_OF[part] and not (FLOOR_OF[part] == FLOOR_OF[other] == 0)
    ]

    assert not wrong, wrong
