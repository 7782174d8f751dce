"""What code uses, in words for the person who lets it run."""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator, Mapping

from jupyter_autocoder.policy.folding import Folder
from jupyter_autocoder.policy.scan import Scan
from jupyter_autocoder.policy.words import words

# Each id with the words that follow "this ...".
CAPABILITIES: Mapping[str, str] = {
    "display": "shows rich output",
    "files-read": "reads files",
    "files-written": "writes or removes files",
    "network": "uses the network",
    "plotting": "draws pictures",
    "processes": "starts processes",
    "randomness": "uses random numbers",
    "threads": "runs threads or tasks",
    "time": "asks for the time or waits",
}

_MODULES: Mapping[str, str] = {
    "matplotlib": "plotting",
    "seaborn": "plotting",
    "plotly": "plotting",
    "altair": "plotting",
    "random": "randomness",
    "secrets": "randomness",
    "uuid.uuid1": "randomness",
    "uuid.uuid4": "randomness",
    "os.urandom": "randomness",
    "numpy.random": "randomness",
    "time": "time",
    "timeit": "time",
    "datetime.datetime.now": "time",
    "datetime.datetime.today": "time",
    "datetime.datetime.utcnow": "time",
    "datetime.date.today": "time",
    "pandas.Timestamp.now": "time",
    "pandas.Timestamp.today": "time",
    "asyncio": "threads",
    "threading": "threads",
    "concurrent.futures": "threads",
    "multiprocessing": "processes",
    "subprocess": "processes",
    "os.system": "processes",
    "socket": "network",
    "urllib": "network",
    "http": "network",
    "requests": "network",
    "httpx": "network",
    "aiohttp": "network",
    "yfinance": "network",
    "IPython.display": "display",
    "glob": "files-read",
    "sqlite3": "files-written",
    "tempfile": "files-written",
    "os.listdir": "files-read",
    "os.scandir": "files-read",
    "os.walk": "files-read",
    "os.path.exists": "files-read",
    "os.makedirs": "files-written",
    "os.mkdir": "files-written",
    "os.remove": "files-written",
    "os.removedirs": "files-written",
    "os.rename": "files-written",
    "os.replace": "files-written",
    "os.rmdir": "files-written",
    "os.unlink": "files-written",
    "shutil": "files-written",
    "numpy.load": "files-read",
    "numpy.loadtxt": "files-read",
    "numpy.genfromtxt": "files-read",
    "numpy.fromfile": "files-read",
    "numpy.save": "files-written",
    "numpy.savez": "files-written",
    "numpy.savez_compressed": "files-written",
    "numpy.savetxt": "files-written",
}
_READING = words("read_text read_bytes iterdir rglob")
_WRITING = words(
    "mkdir rmdir savefig tofile touch unlink write_bytes write_csv write_html write_json write_parquet write_text"
)
_READERS = re.compile(r"read_(?!only|sql)[a-z]+|scan_(?:csv|parquet|ndjson|ipc)")
_WRITERS = re.compile(r"to_(?:csv|excel|parquet|json|feather|orc|hdf|html|latex|stata|xml)")


def capabilities(scan: Scan) -> dict[str, ast.AST]:
    """Return the ids of what the source uses, each with a place that shows it."""
    found: dict[str, ast.AST] = {}
    for name, node in _uses(scan):
        found.setdefault(name, node)
    return found


def _uses(scan: Scan) -> Iterator[tuple[str, ast.AST]]:
    first: dict[str, ast.AST] = {}
    for node, path in _paths(scan):
        first.setdefault(path, node)
    for path, node in first.items():
        for prefix in itertools.accumulate(path.split("."), "{}.{}".format):
            if prefix in _MODULES:
                yield _MODULES[prefix], node
    for attr, nodes in scan.attributes.items():
        if attr in _READING or _READERS.fullmatch(attr):
            yield "files-read", nodes[0]
        elif attr in _WRITING or _WRITERS.fullmatch(attr):
            yield "files-written", nodes[0]
    if "display" in scan.names and "display" not in scan.bound:
        yield "display", scan.names["display"][0]
    yield from _openings(scan)


def _paths(scan: Scan) -> Iterator[tuple[ast.AST, str]]:
    for statement in scan.nodes(ast.Import):
        for alias in statement.names:
            yield alias, alias.name
    for origin in scan.nodes(ast.ImportFrom):
        for alias in origin.names:
            yield alias, f"{origin.module}.{alias.name}"
    for nodes in scan.attributes.values():
        for attribute in nodes:
            for path in scan.paths(attribute):
                yield attribute, path


def _openings(scan: Scan) -> Iterator[tuple[str, ast.AST]]:
    folder = scan.once(Folder)
    for call in scan.nodes(ast.Call):
        match call.func:
            case ast.Name(id="open"):
                yield _mode(folder, call, call.args[1:2]), call
            case ast.Attribute(attr="open", value=value):
                on_module = bool(scan.paths(value))
                yield _mode(folder, call, call.args[1:2] if on_module else call.args[:1]), call


def _mode(folder: Folder, call: ast.Call, given: list[ast.expr]) -> str:
    mode = [*given, *(keyword.value for keyword in call.keywords if keyword.arg == "mode")]
    text = folder.text(mode[0]) if mode else "r"
    return "files-read" if text is not None and not set(text) & set("wax+") else "files-written"
