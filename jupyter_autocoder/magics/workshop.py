"""What one kernel's magics work with: settings, the session and its sandbox, the client, the lock.

Made at the first prompt and kept until the kernel ends; all that waits runs on the portal's thread.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import importlib
import json
import math
import os
import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jupyter_autocoder import settings as configuration
from jupyter_autocoder.agent.adopt import definitions, extract, extract_all
from jupyter_autocoder.agent.prompt import describe_refusal
from jupyter_autocoder.autocoder import (
    Autocoder,
    Job,
    Past,
    Result,
    Session,
    Window,
    imported,
    locked_by_environment,
    notebook_name,
)
from jupyter_autocoder.errors import LockError, UsageError
from jupyter_autocoder.events import Progress, Run, RunError, Variable
from jupyter_autocoder.llm import prices
from jupyter_autocoder.llm.prices import Model
from jupyter_autocoder.llm.providers import provider
from jupyter_autocoder.llm.redaction import redact
from jupyter_autocoder.llm.tokens import count_request
from jupyter_autocoder.lock import Entry, Lock, find
from jupyter_autocoder.magics.inference import Meaning, wished
from jupyter_autocoder.magics.inputs import Inputs
from jupyter_autocoder.magics.status import money
from jupyter_autocoder.policy import Policy, check
from jupyter_autocoder.portal import portal
from jupyter_autocoder.sandbox import Pool, describe, expect_data
from jupyter_autocoder.settings import Settings

if TYPE_CHECKING:
    from jupyter_autocoder.llm import GovernedClient
    from jupyter_autocoder.llm.purse import Purse
    from jupyter_autocoder.store import Store

Draw = Callable[[Progress | None], None]


class Workshop:
    """One kernel's session, with everything it needs; it owns the pool of sandboxes that it is given."""

    def __init__(self, pool: Pool) -> None:
        self._settings = configuration.current()
        self._portal = portal()
        self._pool = pool
        self._store: Store | None = None
        self._client: GovernedClient | None = None
        self._opening = threading.Lock()
        self._session = Session(self._pool.take)
        self._inputs = Inputs()
        self._forget = self._portal.at_close(self._aclose)

    def warm_up(self) -> None:
        """Import what is slow, here and in the warm sandbox; for a thread that has time."""
        self._pool.load(self._expected())
        if not locked_by_environment(os.environ):
            self._open_client().warm_up()

    def await_frames(self) -> None:
        """Import pandas here where this notebook's locked code will bring frames back; for a thread that has time."""
        if any(map(_brings_frames, self._locked())):
            # Whatever is wrong with it will be told by the cell that really needs it.
            with contextlib.suppress(Exception):
                importlib.import_module("pandas")

    def settings(self, given: argparse.Namespace) -> Settings:
        """The settings with a cell's options on top. Raises SettingLocked where an administrator forbids one."""
        changes: dict[str, Any] = {}
        if given.attempts is not None:
            changes["notebook__attempts"] = given.attempts
        if given.show_data:
            changes["notebook__show_data"] = True
        if given.model:
            changes["model__name"] = given.model
        return self._settings.replace("%%autocode", **changes)

    def describe(self, name: str, value: Any, *, rows: int) -> Variable:
        """Tell what a variable is. Raises ValueCannotCross where it cannot be sent in, as far as a quick look shows."""
        expect_data(name, value)
        return describe(name, value, rows=rows)

    def run(self, job: Job, draw: Draw) -> Result:
        """Answer one job; `draw` is called from this thread with everything that happens meanwhile."""
        events: queue.SimpleQueue[Progress | None] = queue.SimpleQueue()
        return self._portal.watch(self._autocoder(job.prompt.model).ask, job, events.put, events=events, draw=draw)

    def run_for_chat(
        self, source: str, namespace: Mapping[str, Any], show: Callable[[dict[str, Any] | None], None]
    ) -> str:
        """Check `source` and run it in this session's sandbox; the Run as JSON, a refusal told as a failed one.

        What it reads of `namespace` is sent in, and the Run's notes say so; nothing comes back into it. `show` is
        called from this thread with each output as it comes, and with None now and then.
        """
        verdict = check(source, Policy.from_settings(self._settings.policy))
        if not verdict.allowed:
            error = RunError(name="PolicyRefused", message=describe_refusal(verdict), line=verdict.findings[0].line)
            return json.dumps(dataclasses.asdict(Run(ok=False, error=error)))

        outputs: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()

        async def run() -> Run:
            box = await self._session.box()
            notes = await self._inputs.send(box, source, namespace)
            done = await box.run(source, on_output=outputs.put)
            if done.ok:
                self._inputs.ran(source, namespace)
            return dataclasses.replace(done, notes=(*notes, *done.notes))

        return json.dumps(dataclasses.asdict(self._portal.watch(run, events=outputs, draw=show)))

    def propose(self, text: str, draw: Draw) -> Mapping[str, Any] | None:
        """What a model proposes that the words of a trade say; None where none may be asked."""
        if locked_by_environment(os.environ):
            return None
        from jupyter_autocoder.desk.help import propose

        events: queue.SimpleQueue[Progress | None] = queue.SimpleQueue()
        client = self._open_client()
        return self._portal.watch(propose, client, text, events.put, events=events, draw=draw)

    def preview(self, job: Job) -> str:
        """What would be sent for `job`, message by message, and what that is and costs at most."""
        messages = self._autocoder(job.prompt.model).preview(job)
        model, tokens = self._model(job.prompt.model), self._count(messages)
        output = self._settings.model.max_output_tokens
        most = money(model.ceiling(input_tokens=tokens, output_tokens=output))
        cost = f"about {tokens} tokens in, at most {output} out: at most {most} with {model.name}; nothing was sent"
        return "\n\n".join([*(f"[{message['role']}]\n{message['content']}" for message in messages), cost])

    def save(self, names: Sequence[str], folder: Path) -> None:
        """Copy files out of the sandbox into `folder`."""

        async def collect() -> None:
            box = await self._session.box()
            for name in names:
                await box.collect(name, folder / name)

        self._portal.call(collect)

    def reset(self) -> None:
        """Throw the sandbox and its history away; the next prompt starts afresh."""
        self._portal.call(self._session.reset)

    def history(self) -> str:
        """The prompts of this session, numbered."""
        lines = [f"{number}. {past.prompt.text.splitlines()[0]}" for number, past in enumerate(self._session.past, 1)]
        return "\n".join(lines) or "No prompt has been answered in this session yet."

    def code(self, number: int | None) -> str:
        """The code of prompt `number` of the history; the last one by default."""
        return self._past(number).source

    def adopt(self, name: str) -> str:
        """The exact checked source of the function or class `name`."""
        source = extract([past.source for past in self._session.past], name)
        if source is None:
            known = [made for past in self._session.past for made in definitions(past.source)]
            do = f"known here: {', '.join(known)}" if known else "ask for a function in a %%autocode cell first"
            raise UsageError(f"no prompt of this session defined a function or class {name}", do=do)
        return source

    def definitions(self, source: str) -> str:
        """All functions and classes of `source`, to be adopted together."""
        names = definitions(source)
        if not names:
            raise UsageError("--adopt: the code defines no function or class", do="use --insert for the whole code")
        return extract_all(source, names)

    def usage(self, span: str) -> dict[str, str]:
        """What was spent since `span` ago and what is left, as a display bundle."""
        from jupyter_autocoder.llm import Governor, usage
        from jupyter_autocoder.llm.identity import current_user
        from jupyter_autocoder.magics.usage import bundle
        from jupyter_autocoder.store import Store

        store = Store(self._settings.store.url)
        try:
            start = usage.since(span, time.time())
            days, models = (usage.usage_report(store, start, by, user=current_user()) for by in ("day", "model"))
            governor = Governor(store, self._settings.limits, local=provider(self._settings.model).local)
            return bundle(days, models, governor.remaining())
        finally:
            store.close()

    def close(self) -> None:
        """Stop the sandboxes and forget everything."""
        self._forget()
        self._portal.call(self._aclose)

    def _expected(self) -> list[str]:
        """The modules that this notebook's locked code will import, as far as the policy lets it.

        Where nothing is locked it is pandas: few notebooks do without, and it takes longer than all else.
        """
        allowed = Policy.from_settings(self._settings.policy).modules
        found = dict.fromkeys(module for entry in self._locked() for module in imported(entry.code)) or ["pandas"]
        return [module for module in found if module.partition(".")[0] in allowed]

    def _locked(self) -> list[Entry]:
        """What is locked for this notebook; for any of its folder's where the kernel was not told which one it runs."""
        lock = self._lock()
        try:
            entries = list(lock.entries().values())
        except LockError:
            return []  # told by the first cell that needs the lock
        name = lock.name_of(notebook_name())
        return [entry for entry in entries if entry.notebook == name] or entries

    def _past(self, number: int | None) -> Past:
        past = self._session.past
        if not past or (number is not None and not 1 <= number <= len(past)):
            raise UsageError(f"there is no prompt {number or ''} in this session", do="see %autocode history")
        return past[-1 if number is None else number - 1]

    def _autocoder(self, asked: str | None) -> Autocoder:
        policy = Policy.from_settings(self._settings.policy)
        model = self._model(asked)
        room = None if model.window is None else max(model.window - self._settings.model.max_output_tokens, 0)
        return Autocoder(
            self._session,
            open_client=self._open_client,
            policy=policy,
            lock=self._lock(),
            redact=redact,
            window=Window(count=self._count, room=room),
        )

    def _lock(self) -> Lock:
        return Lock(find(Path.cwd(), os.environ))

    def _model(self, name: str | None) -> Model:
        table = prices.load(self._settings.model.prices_file)
        wanted = name or self._settings.model.name
        return table.find_local(wanted) if provider(self._settings.model).local else table.find(wanted)

    def _count(self, messages: Sequence[dict[str, Any]]) -> int:
        return count_request(messages, model=self._settings.model.name)

    def _open_client(self) -> GovernedClient:
        # Imported here: a replayed notebook needs neither the client nor what it stands on.
        from jupyter_autocoder.llm import GovernedClient
        from jupyter_autocoder.store import Store

        # The warm-up thread and the first cell may come here at once.
        with self._opening:
            if self._client is None:
                self._store = self._store or Store(self._settings.store.url)
                self._client = GovernedClient(
                    self._settings,
                    store=self._store,
                    face="magic",
                    notebook=Path(notebook_name()).name,
                    purse=purse_of(os.environ),
                )
            return self._client

    async def _aclose(self) -> None:
        await self._session.reset()
        await self._pool.close()
        with self._opening:
            client, self._client = self._client, None
            store, self._store = self._store, None
        if client is not None:
            await client.aclose()
        if store is not None:
            store.close()


def _brings_frames(entry: Entry) -> bool:
    """Whether pandas made what comes back from this answer, as far as its code and its sentence tell."""
    if "pandas" not in {module.partition(".")[0] for module in imported(entry.code)}:
        return False
    return bool(entry.outputs or wished(entry.prompt, Meaning(files={}), entry.inputs, ()))


def purse_of(environ: Mapping[str, str]) -> Purse | None:
    """The purse of this kernel's run by ``AUTOCODER_MAX_COST`` (USD), the same after a reload; None for no bound.

    Raises UsageError where the variable is no amount.
    """
    text = environ.get("AUTOCODER_MAX_COST", "")
    if not text:
        return None
    try:
        most = float(text)
    except ValueError:
        most = -1.0
    if not 0 <= most < math.inf:
        raise UsageError(f"AUTOCODER_MAX_COST={text} is no amount in USD", do="write it like 2.00")
    from jupyter_autocoder.llm.purse import purse_of_run

    return purse_of_run(int(most * 1e6), os.getpid())
