"""``jupyter autocoder provenance``: how each answer in a notebook came to be, as its outputs tell."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jupyter_autocoder.app import notebooks
from jupyter_autocoder.errors import ExitCode


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("notebook", type=Path, help="an executed notebook")
    parser.add_argument("--json", action="store_true", help="tell it as JSON, with the code")


def run(options: argparse.Namespace) -> int:
    told = []
    for number, cell in enumerate(notebooks.read(options.notebook).cells, 1):
        prompt = notebooks.prompt_of(cell)
        if prompt is not None:
            head = {"cell": number, "text": prompt[1].strip()}
            told.append({**head, **notebooks.provenance_of(cell), **head})
    if options.json:
        sys.stdout.write(json.dumps(told, indent=1, ensure_ascii=False) + "\n")
    else:
        sys.stdout.writelines(f"{_line(row)}\n" for row in told)
    return int(ExitCode.DONE)


def _line(row: Mapping[str, Any]) -> str:
    title = f"cell {row['cell']}: {row['text'].splitlines()[0] if row['text'] else '(empty)'}"
    if "origin" not in row:
        return f"{title}\n  {row.get('error', 'not run')}"
    checks = row.get("checks") or {"passed": 0, "count": 0}
    attempts = row.get("attempts") or 1
    facts = [
        "from the lock" if row["origin"] == "lock" else f"by {row.get('model', 'an unknown model')}",
        f"code {row.get('code', 'unknown')}",
        f"{checks['passed']} of {checks['count']} checks passed" if checks["count"] else "unchecked",
        f"{attempts} attempts" if attempts > 1 else "",
        f"run in {row['backend']}" if row.get("backend") else "not run",
    ]
    return f"{title}\n  {', '.join(fact for fact in facts if fact)}"
