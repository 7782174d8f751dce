"""Run the fake server alone: ``python -m jupyter_autocoder.testing --answers FILE [--port N] [--validate]``.

FILE is JSON: one answer, a list of answers given in order, or ``{"answers": {"part of the prompt": answer}}``. An
answer is a text, an object with Reply's fields, or ``{"fault": "rate_limit", "retry_after": 2}``. The first line on
standard output is the base URL; interrupt or terminate to stop.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
from pathlib import Path
from typing import Any

from jupyter_autocoder.testing.replies import read_reply
from jupyter_autocoder.testing.server import Answers, FakeOpenAI


def main(arguments: list[str] | None = None) -> int:
    """Serve until interrupted; 2 when the answers cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m jupyter_autocoder.testing", description="A fake OpenAI server.")
    parser.add_argument("--answers", type=Path, required=True, help="JSON file of answers")
    parser.add_argument("--port", type=int, default=0, help="default: any free one")
    parser.add_argument("--validate", action="store_true", help="refuse requests that break the API's schema")
    options = parser.parse_args(arguments)
    try:
        answers = read_answers(options.answers)
    except (OSError, ValueError, TypeError) as error:
        sys.stderr.write(f"{options.answers}: {error}\n")
        return 2
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    with FakeOpenAI(answers, port=options.port, validate=options.validate) as server:
        sys.stdout.write(f"{server.base_url}\n")
        sys.stdout.flush()
        stop.wait()
    return 0


def read_answers(path: Path) -> Answers:
    """Read and check a file of answers; raises ValueError on anything that is no answer."""
    data: Any = json.loads(path.read_text(encoding="utf-8"))
    if isinstance(data, list):
        return [read_reply(answer) for answer in data]
    if isinstance(data, dict) and set(data) == {"answers"}:
        return {part: read_reply(answer) for part, answer in data["answers"].items()}
    return read_reply(data)


if __name__ == "__main__":
    sys.exit(main())
