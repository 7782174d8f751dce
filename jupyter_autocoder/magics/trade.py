"""``%trade``: a sentence becomes a ticket on show; nothing here confirms one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from IPython.core.magic import Magics, line_magic, magics_class, no_var_expand
from IPython.display import display

from jupyter_autocoder.errors import UsageError
from jupyter_autocoder.events import METADATA
from jupyter_autocoder.magics import options

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from jupyter_autocoder.desk import Desk, Entry, Outcome
    from jupyter_autocoder.events import Progress

Show = Callable[["Desk", "Entry"], Any]
Draw = Callable[["Progress | None"], None]
Propose = Callable[[str, Draw], "Mapping[str, Any] | None"]


@magics_class
class TradeMagics(Magics):
    """The trading magic of one kernel; `show` puts a ticket before the person's eyes, `propose` words to a model."""

    def __init__(self, shell: InteractiveShell, show: Show, *, propose: Propose | None = None) -> None:
        super().__init__(shell)
        self._shell = shell
        self._show = show
        self._propose = propose
        self._made: Desk | None = None

    @property
    def desk(self) -> Desk:
        if self._made is None:
            from jupyter_autocoder.autocoder import notebook_name
            from jupyter_autocoder.desk import Desk

            self._made = Desk(session=notebook_name(), helper=self._helped if self._propose else None)
        return self._made

    def close(self) -> None:
        if self._made is not None:
            self._made.close()
            self._made = None

    @no_var_expand
    @line_magic
    def trade(self, line: str) -> None:
        """Draft a ticket from words (``%trade Buy 10 shares of AAPL``), or show positions and open tickets."""
        words = line.strip()
        if words in {"-h", "--help"}:
            _say(options.TRADE_HELP)
        elif not words:
            self._overview()
        elif words.startswith("--weights"):
            self._tell(self.desk.basket(self._weights(words)))
        elif words.startswith("-"):
            raise UsageError(f"%trade: unknown option {words.split()[0]}", do="see %trade -h")
        else:
            self._tell(self.desk.take(words))

    def _tell(self, outcome: Outcome) -> None:
        if outcome.entry is None:
            _say(outcome.text)
            return
        shown = self._show(self.desk, outcome.entry)
        if getattr(shown, "control", None) is None:
            # A runner without a person: the record stands there, and the run's exit code says that somebody is awaited.
            waiting = {METADATA: {"ticket": outcome.entry.id, "state": outcome.entry.state.value}}
            where = ""
            if outcome.entry.ticket.mode == "live":
                where = f" To see and confirm it, say in JupyterLab's sidebar: /trade {outcome.entry.id}"
            _say(f"The ticket waits for a person; nothing was sent.{where}", metadata=waiting)

    def _helped(self, text: str) -> Mapping[str, Any] | None:
        """Ask a model; what is waited for meanwhile stands in one line that goes away."""
        assert self._propose is not None
        line: Any = None

        def draw(event: Progress | None) -> None:
            nonlocal line
            if event is None or not event.text:
                return
            if line is None:
                line = display({"text/plain": event.text}, raw=True, display_id=True)
            else:
                line.update({"text/plain": event.text}, raw=True)

        try:
            return self._propose(text, draw)
        finally:
            if line is not None:
                line.update({"text/plain": ""}, raw=True)

    def _overview(self) -> None:
        from jupyter_autocoder.desk.listing import overview

        found = overview(self.desk)
        bundle = {"text/plain": found["text"]}
        if found["html"]:
            bundle["text/html"] = f"{found['html']}<pre>{_escape(found['text'])}</pre>"
        display(bundle, raw=True)

    def _weights(self, words: str) -> Mapping[str, Any]:
        """The weights that a variable holds: a mapping, a Series, or a frame's only column of numbers."""
        name = words.removeprefix("--weights").strip()
        if name not in self._shell.user_ns:
            raise UsageError(f"%trade --weights: there is no variable {name or '(none named)'}", do="see %trade -h")
        value = self._shell.user_ns[name]
        if hasattr(value, "select_dtypes"):
            numbers = value.select_dtypes("number")
            if numbers.shape[1] != 1:
                do = "name a frame with symbols as its index and one column of percentages"
                raise UsageError(f"{name} has {numbers.shape[1]} columns of numbers", do=do)
            value = numbers.iloc[:, 0]
        if not isinstance(value, Mapping) and not hasattr(value, "items"):
            raise UsageError(f"{name} is a {type(value).__name__}, no mapping of symbols to percentages")
        return dict(value.items())


def _say(text: str, *, metadata: Mapping[str, Any] | None = None) -> None:
    display({"text/plain": text}, raw=True, metadata=dict(metadata or {}))


def _escape(text: str) -> str:
    import html

    return html.escape(text)
