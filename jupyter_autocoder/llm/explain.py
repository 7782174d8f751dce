"""A failure as it travels inside the client, and the error and the lines that people see of it."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from jupyter_autocoder.errors import AutocoderError, ModelError, RateLimited, StreamIncomplete
from jupyter_autocoder.llm import failures
from jupyter_autocoder.llm.failures import RULES, Facts, Kind, Rule
from jupyter_autocoder.llm.prices import Model
from jupyter_autocoder.llm.redaction import redact
from jupyter_autocoder.llm.reservation import Ask
from jupyter_autocoder.llm.stream import Answer


class Failed(Exception):
    """One attempt at `model` failed; plain data, so that it holds nothing of the SDK's and no key."""

    def __init__(self, kind: Kind, facts: Facts, model: Model, ask: Ask, answer: Answer) -> None:
        super().__init__(f"{model.name}: {kind}")
        self.kind = kind
        self.facts = facts
        self.model = model
        self.ask = ask
        self.answer = answer

    @property
    def rule(self) -> Rule:
        return RULES[self.kind]

    def followed_by(self, later: Failed) -> Failed:
        """Give the failure to report of two: the first model's, unless the later one ends the whole chain."""
        return later if later.rule.fall_back == "never" else self


_WHAT = {
    Kind.RATE_LIMIT: "{model}'s server wants us to slow down",
    Kind.TOO_LARGE: "the request is larger than {model}'s tokens per minute",
    Kind.QUOTA: "the account has no quota left for {model}",
    Kind.OVERLOAD: "{model}'s server is overloaded or broken",
    Kind.MODEL_GONE: "{model} does not exist for this key",
    Kind.CONTEXT: "the prompt does not fit {model}'s window",
    Kind.BAD_REQUEST: "{model}'s server refuses the request",
    Kind.KEY: "the server does not accept the API key",
    Kind.FORBIDDEN: "the server forbids this to the API key",
    Kind.NOT_SENT: "cannot reach {host}",
    Kind.NO_FIRST_BYTE: "{model}'s server does not answer",
    Kind.BROKEN: "{model}'s answer broke off",
}
_DO = {
    Kind.RATE_LIMIT: "wait, and ask again",
    Kind.TOO_LARGE: "send less, or choose a model with a larger limit",
    Kind.QUOTA: (
        "check plan and billing of the account. Quota belongs to the organisation or project, so another model on the "
        "same key meets the same wall; another key, or another base URL, does not"
    ),
    Kind.OVERLOAD: "ask again later, or choose another model",
    Kind.MODEL_GONE: "choose another model: [model] name, or model= in the call",
    Kind.CONTEXT: "send less, or choose a model with a larger window",
    Kind.BAD_REQUEST: "correct the request",
    Kind.KEY: "check the key: OPENAI_API_KEY, the keyring, or [model] key_file",
    Kind.FORBIDDEN: "check what this key's project and country are allowed",
    Kind.NOT_SENT: "check the network, and the address {where} ([model] base_url); nothing was sent or charged",
    Kind.NO_FIRST_BYTE: "check that {where} can be reached ([model] base_url), or raise model.first_byte_timeout",
    Kind.BROKEN: "ask again; what came was charged, as far as it can be told",
}


def first_line(failed: Failed, *, where: str) -> str:
    """Say in one sentence what happened to one model at the address `where`."""
    status = f" ({failed.facts.status})" if failed.facts.status not in (None, 200) else ""
    return _what(failed, where) + status


def _what(failed: Failed, where: str) -> str:
    return _WHAT[failed.kind].format(model=failed.model.name, host=urlsplit(where).hostname or redact(where))


def breaker_open(error: AutocoderError) -> bool:
    """Whether the governor refused because a breaker keeps calls away."""
    return isinstance(error, RateLimited) and error.limit.endswith("_breaker")


def error_of(first: AutocoderError | Failed | None, notes: Sequence[str], *, where: str) -> AutocoderError:
    """Make the error for people out of what the first model met; the other models' lines are part of its reason."""
    if first is None:
        return AutocoderError("no model could be asked", why="; ".join(notes), do="choose a model: [model] name")
    if not isinstance(first, Failed):
        if len(notes) > 1:
            first.why = "; ".join(filter(None, (first.why, *notes)))
        return first
    what = _what(first, where)
    said = " ".join(first.facts.message.split())[:500]
    others = [note for note in notes if not note.startswith(what)]
    why = "; ".join(part for part in (said, *others) if part)
    return _typed(first, what, why, _DO[first.kind].format(where=redact(where)))


def _typed(failed: Failed, what: str, why: str, do: str) -> AutocoderError:
    model, status = failed.model.name, failed.facts.status
    kind = failed.rule.error
    if kind is RateLimited:
        wait = failures.wait_for(failed.facts, now=0.0)
        return RateLimited(what, limit="server", retry_after=wait or 0.0, why=why, do=do)
    if kind is StreamIncomplete:
        return StreamIncomplete(what, received=failed.answer.text, model=model, status=status, why=why, do=do)
    assert issubclass(kind, ModelError)
    return kind(what, model=model, status=status, why=why, do=do)
