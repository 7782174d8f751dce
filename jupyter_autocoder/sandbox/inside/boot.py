"""Prepares an IPython kernel for `Sandbox`, before any user code: exact source, ordered streams, plain tracebacks.

All of it serves well-behaved code. Nothing on the host relies on it: hostile code can undo it and then meets the gate.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import sys
import traceback
import warnings
from collections.abc import Callable
from types import TracebackType
from typing import Any

# Text goes out in pieces of this many characters, so that one giant print does not become one giant message.
PIECE = 2**17
# A repr is for reading; what is longer is cut (IPython would stop after 1000 elements).
REPR_LIMIT = 10**6
REQUEST, REPLY = "autocoder_request", "autocoder_reply"


def install(shell: Any) -> None:
    """Change `shell` (the running InteractiveShell) and register the handler for the host's requests."""
    _run_exactly(shell)
    _order_streams(shell)
    _plain_reprs(shell)
    _readable_tracebacks(shell)
    shell.kernel.shell_handlers[REQUEST] = _Requests(shell)


def _run_exactly(shell: Any) -> None:
    """The bytes that were checked are the bytes that run: no magics, no ``!``, no rewriting."""
    shell.transform_cell = lambda cell: cell
    shell.input_transformers_post = []
    # Out[] and _1, _2 ... would keep every displayed object alive.
    shell.displayhook.do_full_cache = 0
    warnings.filterwarnings("ignore", message="To exit: use 'exit'")


def _order_streams(shell: Any) -> None:
    """Keep stdout and stderr in order with one another, and their messages small."""
    # IPython's own copy of all that is printed would fill the memory, and undo the change at the end of the cell.
    shell._tee = lambda channel: contextlib.nullcontext()
    state = _Flow()
    for stream in (sys.stdout, sys.stderr):
        kind = type(stream)
        stream.__class__ = type("OrderedStream", (kind,), {"write": _ordered(kind.write, state)})
        # Leaving this very cell, IPython puts a `write` on the instance, which would hide the new one.
        shell.kernel.io_loop.add_callback(stream.__dict__.pop, "write", None)
        _echo_nowhere(stream)


def _echo_nowhere(stream: Any) -> None:
    """What native code writes to the descriptor is shown and also echoed; a full echo would block it for ever."""
    copy = getattr(stream, "_original_stdstream_copy", None)
    if copy is not None:
        with contextlib.suppress(OSError):
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, copy)
            os.close(nowhere)


class _Flow:
    """Which stream was written to last, and how many characters of it may wait unsent."""

    last: Any = None
    waiting = 0


def _ordered(write: Callable[[Any, str], Any], flow: _Flow) -> Callable[[Any, Any], Any]:
    def ordered_write(stream: Any, text: Any) -> Any:
        if not isinstance(text, str):
            return write(stream, text)  # raises what it always raised
        if flow.last is not stream:
            if flow.last is not None:
                flow.last.flush()
            flow.last, flow.waiting = stream, 0
        if len(text) + flow.waiting <= PIECE:
            flow.waiting += len(text)
            write(stream, text)
            return len(text)
        for start in range(0, len(text), PIECE):
            stream.flush()
            flow.waiting = write(stream, text[start : start + PIECE])
        return len(text)

    return ordered_write


def _plain_reprs(shell: Any) -> None:
    """`text/plain` is what repr() says, unless a library or a class has its own printer for IPython."""
    formatters = shell.display_formatter.formatters
    old = formatters["text/plain"]

    class Plain(type(old)):  # type: ignore[misc]
        def __call__(self, obj: Any) -> Any:
            with contextlib.suppress(Exception):
                if not hasattr(type(obj), "_repr_pretty_") and not self._has_printer(obj):
                    return _cut(repr(obj))
            text = super().__call__(obj)
            return _cut(text) if isinstance(text, str) else text

        def _has_printer(self, obj: Any) -> bool:
            kinds = type(obj).__mro__[:-1]
            return any(kind in custom or (kind.__module__, kind.__name__) in self.deferred_printers for kind in kinds)

    plain = Plain(parent=shell.display_formatter)
    known = set(plain.type_printers)

    class _Custom:
        """Printers that were registered later, by code or a library: the built-in ones only reflow repr()."""

        def __contains__(self, kind: object) -> bool:
            return kind in plain.type_printers and kind not in known

    custom = _Custom()
    formatters["text/plain"] = plain


def _cut(text: str) -> str:
    if len(text) <= REPR_LIMIT:
        return text
    return f"{text[:REPR_LIMIT]}... ({len(text) - REPR_LIMIT} more characters)"


# -- tracebacks --------------------------------------------------------------------------------------------------------
def _readable_tracebacks(shell: Any) -> None:
    fallback = shell.InteractiveTB.structured_traceback

    def structured(kind: Any, value: BaseException, tb: TracebackType | None = None, *args: Any, **kw: Any) -> Any:
        try:
            return _render(shell, value, set())
        except Exception:
            return fallback(kind, value, tb, *args, **kw)

    shell.InteractiveTB.structured_traceback = structured
    show = shell.showtraceback

    def showtraceback(exc_tuple: Any = None, *args: Any, **kw: Any) -> None:
        # These two IPython prints in ways of its own, past the formatter.
        error = (exc_tuple or sys.exc_info())[1]
        if isinstance(error, (BaseExceptionGroup, SystemExit)):
            shell._showtraceback(type(error), error, structured(type(error), error, error.__traceback__))
        else:
            show(exc_tuple, *args, **kw)

    shell.showtraceback = showtraceback


def _render(shell: Any, error: BaseException, seen: set[int]) -> list[str]:
    """The story of `error`, causes first: the cells' frames with their lines, libraries' frames on one line each."""
    seen.add(id(error))
    lines: list[str] = []
    cause = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    if cause is not None and id(cause) not in seen and len(seen) < 10:
        lines += _render(shell, cause, seen)
        lines += ["", "which led to:" if error.__cause__ else "while that was handled:", ""]
    frames = traceback.walk_tb(error.__traceback__)
    # What lies below our own code (a print that was interrupted) is not the person's story.
    told = list(itertools.takewhile(lambda pair: pair[0].f_code.co_filename != __file__, frames))
    first = next((n for n, (frame, _) in enumerate(told) if _cell_name(shell, frame)), 0)
    lines.append("Traceback (most recent call last):")
    for frame, line in _shortened(told[first:]):
        lines += _frame(shell, frame, line) if frame is not None else [f"  ... {line} more frames ..."]
    lines += "".join(traceback.format_exception_only(type(error), error)).rstrip("\n").split("\n")
    for inner in error.exceptions[:5] if isinstance(error, BaseExceptionGroup) else ():
        lines += [f"  | {line}" for line in _render(shell, inner, seen)]
    return lines


def _shortened(frames: list[tuple[Any, int]]) -> list[tuple[Any, int]]:
    """Endless recursion has a thousand equal frames; the ends tell the story."""
    if len(frames) <= 20:
        return frames
    return [*frames[:5], (None, len(frames) - 10), *frames[-5:]]


def _cell_name(shell: Any, frame: Any) -> str:
    name = shell.compile.format_code_name(frame.f_code.co_filename)
    return f"{name[0]} {name[1]}" if name is not None else ""


def _frame(shell: Any, frame: Any, line: int) -> list[str]:
    import linecache

    cell, function = _cell_name(shell, frame), frame.f_code.co_name
    if not cell:
        return [f"  {_short(frame.f_code.co_filename)}, line {line}, in {function}"]
    where = (
        "" if function in ("<module>", "<cell line: 1>") or function.startswith("<cell line") else f", in {function}"
    )
    told = [f"  {cell}, line {line}{where}"]
    for number in range(max(1, line - 2), line + 3):
        text = linecache.getline(frame.f_code.co_filename, number).rstrip("\n")
        if text or number == line:
            told.append(f"{'---->' if number == line else '     '} {number:>4} {text}".rstrip())
    return told


def _short(path: str) -> str:
    """A library's file below its site-packages; where they lie says nothing to anyone."""
    for mark in ("/site-packages/", "/dist-packages/", f"/python{sys.version_info[0]}.{sys.version_info[1]}/"):
        if mark in path:
            return path.rpartition(mark)[2]
    return path


# -- the host's requests -----------------------------------------------------------------------------------------------
class _Requests:
    """Answers `autocoder_request` messages: values in and out, nothing else."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell

    def __call__(self, stream: Any, idents: Any, message: dict[str, Any]) -> None:
        try:
            answer = self._answer(message["content"])
        except KeyboardInterrupt:
            answer = {"status": "error", "why": "it was interrupted"}
        except MemoryError:
            answer = {"status": "error", "why": "there is not enough memory inside the sandbox"}
        except OSError as error:
            answer = {
                "status": "error",
                "why": error.strerror or f"{type(error).__name__}: {error}"[:2000],
                "errno": error.errno,
            }
        except Exception as error:
            answer = {"status": "error", "why": f"{type(error).__name__}: {error}"[:2000]}
        self._shell.kernel.session.send(stream, REPLY, answer, parent=message, ident=idents)

    def _answer(self, content: dict[str, Any]) -> dict[str, Any]:
        from jupyter_autocoder.sandbox.inside import crossing

        # Loading pandas may warn, and so may a person's __len__ or property: that is not this run's output.
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            answer: dict[str, Any] = getattr(crossing, content["do"])(self._shell.user_ns, content)
            return answer
