"""What happened in the kernel, told as a `Run`."""

from __future__ import annotations

import re
from typing import Any

from jupyter_autocoder import text
from jupyter_autocoder.events import Run, RunError
from jupyter_autocoder.sandbox.gate import Recording
from jupyter_autocoder.sandbox.session import Executed, KernelSession
from jupyter_autocoder.sandbox.watch import Watch

# errno 28 no space, 27 file too large, 122 quota: what a full scratch folder looks like from inside.
_DISK = ("[Errno 28]", "[Errno 27]", "[Errno 122]")
_TRACEBACK = re.compile(r"^Traceback", re.MULTILINE)
_FRAME = re.compile(r"^  Cell In\[(\d+)\], line (\d{1,7})\b", re.MULTILINE)

Output = dict[str, Any]


def make_run(executed: Executed, recording: Recording, watch: Watch, session: KernelSession, *, seconds: float) -> Run:
    """Put together one run; `seconds` is its duration."""
    outputs = join_streams([_plain(output) for output in executed.outputs])
    limit = watch.limit or (_cause_of_death(watch, session) if executed.reply is None else None)
    error = _error(executed, outputs, limit, watch)
    limits = [limit] if limit else []
    if error is not None and limit is None:
        limits += _limit_of(error)
    if recording.truncated and "output" not in limits:
        limits.append("output")
    return Run(
        ok=error is None,
        stdout=_stream(outputs, "stdout"),
        stderr=_stream(outputs, "stderr"),
        value=_value(outputs),
        outputs=tuple(outputs),
        error=error,
        duration=seconds,
        limits_hit=tuple(limits),
        truncated=recording.truncated,
        peak_memory=watch.peak_memory,
        notes=tuple(recording.notes),
    )


def join_streams(outputs: list[Output]) -> list[Output]:
    """Join neighbouring pieces of the same stream; the order between the streams stays."""
    joined: list[Output] = []
    pieces: list[str] = []
    for output in outputs:
        same = joined and output["output_type"] == "stream" and joined[-1].get("name") == output["name"]
        if not same:
            _finish(joined, pieces)
            joined.append(dict(output))
            pieces = []
        if output["output_type"] == "stream":
            pieces.append(output["text"])
    _finish(joined, pieces)
    return joined


def _finish(joined: list[Output], pieces: list[str]) -> None:
    if pieces:
        joined[-1]["text"] = "".join(pieces)


def _plain(node: Any) -> Any:
    """Ordinary dicts and lists in place of nbformat's."""
    if isinstance(node, dict):
        return {key: _plain(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_plain(value) for value in node]
    return node


def _stream(outputs: list[Output], name: str) -> str:
    return "".join(o["text"] for o in outputs if o["output_type"] == "stream" and o["name"] == name)


def _value(outputs: list[Output]) -> str | None:
    results = [output for output in outputs if output["output_type"] == "execute_result"]
    value = results[-1]["data"].get("text/plain") if results else None
    return value if isinstance(value, str) else None


def _error(executed: Executed, outputs: list[Output], limit: str | None, watch: Watch) -> RunError | None:
    reply = executed.reply
    if reply is None:
        return RunError(name="SandboxKilled", message=_KILLED[limit or "killed"])
    if reply.get("status", "ok") == "ok" and limit is None:
        return None
    told = reply if reply.get("status") == "error" else next((o for o in outputs if o["output_type"] == "error"), {})
    # IPython keeps a cell in a file whose name says nothing to anyone.
    message = re.sub(r"\(\d+\.py, line (\d+)\)$", r"(line \1)", text.plain(told.get("evalue", "")))
    trace = text.plain("\n".join(told.get("traceback", [])))
    if limit is not None:
        message = _STOPPED[limit]
    return RunError(
        name=told.get("ename", "KeyboardInterrupt"),
        message=message,
        traceback=trace,
        line=_failing_line(trace),
    )


def _failing_line(trace: str) -> int | None:
    """The deepest line of this very cell in the last traceback of the chain."""
    frames = _FRAME.findall(_TRACEBACK.split(trace)[-1])
    lines = [int(line) for cell, line in frames if cell == frames[0][0]]
    return lines[-1] if lines else None


def _limit_of(error: RunError) -> list[str]:
    if error.name.endswith("MemoryError"):
        return ["memory"]
    return ["disk"] if any(code in error.message for code in _DISK) else []


def _cause_of_death(watch: Watch, session: KernelSession) -> str:
    """Which limit a kernel met that ended before its last word; ``killed`` when none is known."""
    ended_by = session.manager.ended_by
    if ended_by in ("cpu_time", "disk"):
        return ended_by
    if watch.peak_memory is not None and watch.peak_memory >= 0.9 * watch.memory_limit:
        return "memory"
    return "killed"


_STOPPED = {
    "wall_time": "stopped: the time for a run is used up",
    "cpu_time": "stopped: the CPU time for a run is used up",
    "output": "stopped: it sent far more output than a run may",
}
_KILLED = {
    "wall_time": "killed: the time for a run was used up and an interrupt did not help",
    "cpu_time": "killed: the CPU time was used up",
    "output": "killed: it sent far more output than a run may",
    "memory": "killed: the memory was used up",
    "disk": "killed: the space for files was used up",
    "killed": "the code ended its own Python process, or was killed",
}
