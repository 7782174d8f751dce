"""From text to a tree, within bounds of size, depth and time; whatever cannot be read is refused with its place."""

from __future__ import annotations

import ast
import re
import threading
import warnings

# About 3,500 dense lines. Parsing costs up to 7 µs a token, so these two keep every answer below half a second.
MAX_CHARACTERS = 400_000
MAX_TOKENS = 30_000
MAX_FINDINGS = 100

_WARNINGS = threading.Lock()
_SIGNS = "!\"#$%&'()*+,-./:;<=>?@[\\]^`{|}~"
_TOKEN = re.compile(r"\w+|[^\w\s]")
# Characters that reorder what a person sees (CVE-2021-42574), and control characters but for Python's white space: a
# terminal obeys some of them, and some readers take them for the end of a line or of the text.
_HIDDEN = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_COOKIE = re.compile(r"[ \t\f]*#.*?coding[:=][ \t]*([-\w.]+)")
_PLAIN_ENCODINGS = frozenset({"utf-8", "utf8", "utf-8-sig", "ascii", "us-ascii", "latin-1", "iso-8859-1"})
_MAGIC = re.compile(r"\s*(?:[\w, ]+=\s*)?(?:!|%{1,2}[a-zA-Z]|\?{1,2}\w)|.*[\w)\]]\s*\?{1,2}\s*$")


class Unreadable(Exception):  # it says what the source is
    """Raised when there is no tree to check; `rule` is the id of the rule that says why."""

    def __init__(self, rule: str, message: str, *, line: int = 1, column: int = 0) -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message
        self.line = line
        self.column = column


def read(source: str) -> ast.Module:
    """Parse `source` as the kernel would; raises Unreadable, and RecursionError or MemoryError on deep nesting."""
    if not isinstance(source, str):
        raise Unreadable("encoding", f"code is text, this is {type(source).__name__}")
    _check_size(source)
    _check_characters(source)
    try:
        # An invalid escape in a string is worth a warning to its author, not to whoever checks it. The filters belong
        # to the process, so two threads must not swap them at once.
        with _WARNINGS, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(source)
    except SyntaxError as error:
        raise _syntax(error, source) from None
    except (RecursionError, MemoryError):
        raise Unreadable("too-large", "the code is nested too deeply to be checked") from None
    except (ValueError, OverflowError) as error:
        raise Unreadable("syntax", f"the code cannot be parsed: {error}") from None


def _check_size(source: str) -> None:
    if len(source) > MAX_CHARACTERS:
        raise Unreadable(
            "too-large", f"the code has {len(source):,} characters; at most {MAX_CHARACTERS:,} are checked"
        )
    # Every token is a sign or stands between two of them or two spaces; only then is it worth counting them all, which
    # costs as much as a tenth of parsing.
    signs = len(source.split()) + sum(map(source.count, _SIGNS))
    if 2 * signs > MAX_TOKENS and sum(1 for _ in _TOKEN.finditer(source)) > MAX_TOKENS:
        raise Unreadable("too-large", f"the code has more than {MAX_TOKENS:,} words and signs")


def _check_characters(source: str) -> None:
    if not source.isascii():
        try:
            source.encode()
        except UnicodeEncodeError as error:
            line, column = _place(source, error.start)
            raise Unreadable("encoding", "the code holds half of a character", line=line, column=column) from None
    if hidden := _HIDDEN.search(source):
        line, column = _place(source, hidden.start())
        message = f"the character U+{ord(hidden[0]):04X} hides what the code does"
        raise Unreadable("hidden-characters", message, line=line, column=column)
    for number, text in enumerate(source[:400].split("\n", 2)[:2], 1):
        cookie = _COOKIE.match(text)
        if cookie and cookie[1].lower().replace("_", "-") not in _PLAIN_ENCODINGS:
            raise Unreadable("encoding", f"the code declares the encoding {cookie[1][:40]!r}", line=number)


def _syntax(error: SyntaxError, source: str) -> Unreadable:
    line, column = error.lineno or 1, max((error.offset or 1) - 1, 0)
    lines = source.splitlines()
    text = lines[line - 1] if 0 < line <= len(lines) else ""
    if len(text) < 2000 and _MAGIC.match(text):
        return Unreadable("magic", "notebook commands (%, ! and ?) are no Python", line=line, column=column)
    return Unreadable("syntax", f"this is not valid Python: {error.msg}", line=line, column=column)


def _place(source: str, index: int) -> tuple[int, int]:
    before = source[:index]
    return before.count("\n") + 1, index - (before.rfind("\n") + 1)
