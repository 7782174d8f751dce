"""The sidebar's numbers: token to screen, long tasks, size, start of JupyterLab, memory, streams side by side.

python benchmarks/bench_chat.py            # needs the built sidebar, Chromium and playwright
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import importlib.util
import itertools
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from jupyter_autocoder.chat import History, Message
from jupyter_autocoder.events import Completion, TextDelta, Verdict
from jupyter_autocoder.portal import portal
from jupyter_autocoder.server.house import House
from jupyter_autocoder.server.outbox import Outbox
from jupyter_autocoder.server.protocol import Ask, Open
from jupyter_autocoder.server.sandboxes import Sandboxes
from jupyter_autocoder.server.services import Services
from jupyter_autocoder.settings import Settings
from jupyter_autocoder.store import Store
from jupyter_autocoder.testing import FakeOpenAI, Reply

REPOSITORY = Path(__file__).parent.parent
BUILT = REPOSITORY / "jupyter_autocoder" / "labextension"
RATE = 200
STREAMS = 10
STARTS = 13
WATCH = """
(() => {
  window.bench = {got: [], drawn: [], long: [], text: ''};
  const newest = text => Math.max(0, ...(text.slice(-400).match(/w\\d{4}/g) || []).map(word => Number(word.slice(1))));
  const Original = window.WebSocket;
  window.WebSocket = class extends Original {
    constructor(...options) {
      super(...options);
      this.addEventListener('message', event => {
        if (typeof event.data !== 'string' || !event.data.startsWith('{"type":"delta"')) return;
        bench.text += JSON.parse(event.data).text;
        bench.got.push([newest(bench.text), performance.now()]);
      });
    }
  };
  new PerformanceObserver(list => list.getEntries().forEach(entry => bench.long.push(entry.duration)))
    .observe({entryTypes: ['longtask']});
  setInterval(() => {
    const nodes = document.querySelectorAll('.jp-ac-message[data-role=model]');
    const node = nodes[nodes.length - 1];
    if (node && node.dataset.state === 'writing') bench.drawn.push([newest(node.textContent), performance.now()]);
  }, 4);
})()
"""


def main() -> None:
    """Measure and print one table."""
    rows = [size(), *streams(), memory(), *browser()]
    width = max(len(name) for name, _, _ in rows)
    for name, value, bound in rows:
        print(f"{name:<{width}}  {value:>16}  {bound}")


def size() -> tuple[str, str, str]:
    files = [file for file in BUILT.rglob("*") if file.is_file() and file.suffix != ".map"]
    return ("extension on disk", f"{sum(file.stat().st_size for file in files) / 1000:.0f} kB", "at most 600 kB")


# -- the server side alone ---------------------------------------------------------------------------------------------
class Scripted:
    """A model that says RATE words a second, for `seconds`."""

    def __init__(self, seconds: float) -> None:
        self._words = int(RATE * seconds)

    async def stream(self, messages: Any, *, model: str | None = None) -> AsyncIterator[Any]:
        for _ in range(self._words):
            await asyncio.sleep(1 / RATE)
            yield TextDelta("word ")
        yield Completion(text="word " * self._words, model="m")


def services(store: Store, seconds: float = 4.0) -> Services:
    @contextlib.asynccontextmanager
    async def client(owner: str, notebook: str) -> AsyncIterator[Scripted]:
        yield Scripted(seconds)

    return Services(
        settings=Settings(),
        history=History(store),
        portal=portal(),
        client=client,
        check=lambda source: Verdict(),
        sandboxes=Sandboxes(lambda: None, most=1, idle=1.0),
        redact=lambda text: (text, 0),
        count=len,
        room=lambda: 24_000,
        remaining=lambda owner: "",
        usage=lambda owner: "",
        limits=lambda owner: "",
    )


def streams() -> list[tuple[str, str, str]]:
    """The longest silence between two frames of one conversation, and of the server's loop, with STREAMS of them."""

    async def run(house: House) -> tuple[float, float]:
        gaps: list[float] = []
        ended = asyncio.Event()
        ends = [0]

        async def resync(conversation: str) -> None:
            return None

        def tab() -> Outbox:
            last = [0.0]

            async def send(text: str) -> None:
                now = time.perf_counter()
                if text.startswith('{"type":"delta"'):
                    if last[0]:
                        gaps.append(now - last[0])
                    last[0] = now
                if '"state":"done"' in text and '"role":"model"' in text:
                    ends[0] += 1
                    if ends[0] == STREAMS:
                        ended.set()

            return Outbox(send, resync=resync, hang_up=lambda: None)

        tabs = [(tab(), house.services.history.create("ann").id) for _ in range(STREAMS)]
        for number, (outbox, conversation) in enumerate(tabs):
            house.enter("ann", outbox)
            await house.handle("ann", outbox, Open(conversation=conversation))
            await house.handle("ann", outbox, Ask(id=f"q{number}", conversation=conversation, text="go"))
        stalls = []
        while not ended.is_set():
            before = time.perf_counter()
            await asyncio.sleep(0.005)
            stalls.append(time.perf_counter() - before - 0.005)
        await house.close()
        return max(gaps), max(stalls)

    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"{folder}/store.sqlite")
        gap, stall = asyncio.run(_housed(run, services(store)))
        store.close()
    return [
        (f"{STREAMS} streams: longest silence of one", f"{gap * 1000:.0f} ms", "at most 250 ms"),
        (f"{STREAMS} streams: longest stall of the loop", f"{stall * 1000:.0f} ms", "at most 250 ms"),
    ]


async def _housed(run: Any, wired: Services) -> Any:
    return await run(House(wired))


def memory() -> tuple[str, str, str]:
    """Resident memory of idle conversations that a tab follows, each of twenty messages."""
    count = 60

    async def run(house: House) -> float:
        async def send(text: str) -> None:
            return None

        async def resync(conversation: str) -> None:
            return None

        outbox = Outbox(send, resync=resync, hang_up=lambda: None)
        house.enter("ann", outbox)
        history = house.services.history
        conversations = [history.create("ann").id for _ in range(count)]
        for conversation in conversations:
            for number in range(20):
                role: Any = "person" if number % 2 else "model"
                history.add("ann", conversation, Message(id=str(number), role=role, text="word " * 200, time=1.0))
        await house.handle("ann", outbox, Open(conversation=conversations[0]))
        await asyncio.sleep(0.5)
        before = _resident()
        for conversation in conversations[1:]:
            await house.handle("ann", outbox, Open(conversation=conversation))
            await asyncio.sleep(0)
        await asyncio.sleep(0.5)
        grown = _resident() - before
        await house.close()
        return grown / (count - 1)

    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"{folder}/store.sqlite")
        each = asyncio.run(_housed(run, services(store)))
        store.close()
    return ("server memory per idle conversation", f"{max(each, 0):.0f} kB", "under 200 kB")


def _resident() -> int:
    text = Path("/proc/self/status").read_text()
    return int(next(line for line in text.splitlines() if line.startswith("VmRSS")).split()[1])


# -- in a real browser -------------------------------------------------------------------------------------------------
def browser() -> list[tuple[str, str, str]]:
    """Token to screen in a conversation of 500 messages, and JupyterLab's start with and without the sidebar."""
    from playwright.sync_api import sync_playwright

    ui = _ui()
    answer = Reply(text=_answer(RATE * 10), chunk=6, pause=1 / RATE)
    with tempfile.TemporaryDirectory() as folder, FakeOpenAI(answer) as fake, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=ui.CHROMIUM, args=ui.FLAGS)
        home = Path(folder)
        _fill(home / "store.sqlite")
        with ui.Lab(home, fake.base_url, AUTOCODER_STORE_URL=str(home / "store.sqlite")) as lab:
            rows = _token_to_screen(ui, chromium, lab)
            with ui.Lab(home / "bare", fake.base_url, extended=False) as bare:
                pages = [[_page_start(chromium, one, ui.TOKEN) for one in (lab, bare)] for _ in range(STARTS)]
        servers = [[_server_start(one) for one in (lab, bare)] for _ in range(STARTS)]
        chromium.close()
    return [*rows, *_starts(pages, servers)]


def _starts(*kinds: list[list[float]]) -> list[tuple[str, str, str]]:
    """Compare the medians with the sidebar and without; the first pair warms up."""
    medians = [[statistics.median(column) for column in zip(*pairs[1:], strict=True)] for pairs in kinds]
    names = ("page of JupyterLab", "server's process", "both together")
    rows = []
    for name, (extended, bare) in zip(
        names, [*medians, [sum(column) for column in zip(*medians, strict=True)]], strict=True
    ):
        rows.append(
            (
                f"start, {name}: with / without",
                f"{extended / bare:.3f}",
                f"at most 1.05 ({extended:.2f} and {bare:.2f} s)",
            )
        )
    return rows


def _ui() -> Any:
    spec = importlib.util.spec_from_file_location("ui", REPOSITORY / "tests" / "ui" / "conftest.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["ui"] = module
    spec.loader.exec_module(module)
    return module


def _answer(words: int) -> str:
    """Make an answer as a model writes them, its words numbered: prose, a list, code and a table, again and again."""
    numbers = (f"w{number:04}" for number in itertools.count(1))

    def some(count: int) -> str:
        return " ".join(itertools.islice(numbers, count))

    parts: list[str] = []
    for _ in range(0, words, 160):
        parts.append(f"### {some(4)}\n\n{some(20)} **{some(4)}** {some(12)} `{some(1)}`.")
        parts.append("\n".join(f"- {some(5)}" for _ in range(6)))
        parts.append(
            "```python\n" + "\n".join(f"{some(1)} = f({some(1)}, {some(1)})  # {some(2)}" for _ in range(9)) + "\n```"
        )
        parts.append("| a | b |\n|---|---|\n" + "\n".join(f"| {some(2)} | {some(3)} |" for _ in range(8)))
    return "\n\n".join(parts)


def _fill(path: Path) -> None:
    from jupyter_autocoder.llm.identity import current_user

    store = Store(str(path))
    history = History(store)
    conversation = history.create(current_user()).id
    text = "Some **words** and `code`:\n\n```python\nprint('hello')\n```\n\n- one\n- two\n"
    message = Message(id="", role="model", text=text, time=0.0)
    for number in range(500):
        role: Any = "person" if number % 2 else "model"
        made = dataclasses.replace(message, id=str(number), role=role, time=float(number))
        history.add(current_user(), conversation, made)
    store.close()


def _token_to_screen(ui: Any, chromium: Any, lab: Any) -> list[tuple[str, str, str]]:
    page = chromium.new_page(viewport={"width": 1280, "height": 800})
    page.add_init_script(WATCH)
    person = ui.Person(page, lab).visit()
    page.locator(".jp-ac-earlier button", has_text="(4").wait_for(timeout=60_000)
    page.wait_for_timeout(2000)
    page.evaluate("bench.long.length = 0")
    person.ask("tell me something long")
    page.locator(".jp-ac-message[data-role=model][data-state=done] .jp-ac-footer-line").wait_for(timeout=60_000)
    got, drawn, long = (page.evaluate(f"bench.{name}") for name in ("got", "drawn", "long"))
    page.close()
    waits = []
    for newest, at in got[:-1]:
        seen = next((when for shown, when in drawn if shown >= newest and when >= at), None)
        if seen is not None:
            waits.append(seen - at)
    waits.sort()
    worst = max(long, default=0.0)
    return [
        ("token to screen, median", f"{statistics.median(waits):.0f} ms", f"{len(waits)} frames, 500 messages"),
        ("token to screen, 99 %", f"{waits[int(len(waits) * 0.99)]:.0f} ms", "under 100 ms (and 30 ms of gathering)"),
        ("long tasks over 50 ms while it streams", str(len(long)), f"the longest {worst:.0f} ms"),
    ]


def _page_start(chromium: Any, lab: Any, token: str) -> float:
    context = chromium.new_context()
    page = context.new_page()
    begin = time.perf_counter()
    page.goto(f"{lab.url}/lab?token={token}&reset")
    page.wait_for_selector(".jp-Launcher", timeout=60_000)
    seconds = time.perf_counter() - begin
    context.close()
    return seconds


def _server_start(lab: Any) -> float:
    begin = time.perf_counter()
    lab.start()
    seconds = time.perf_counter() - begin
    lab.stop()
    return seconds


if __name__ == "__main__":
    assert threading.current_thread() is threading.main_thread()
    os.environ.setdefault("OPENAI_API_KEY", "sk-none")
    main()
