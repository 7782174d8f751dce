"""Every error this package raises, in one tree.

::

    AutocoderError
    +-- UserError                      your mistake: what you typed, set or have here
    |   +-- UsageError                 an option, a name or an argument is wrong
    |   +-- SettingsError              a settings file or variable is wrong
    |   |   +-- SettingLocked          the administrator's file forbids this change
    |   +-- ValueCannotCross           a value that is not data was to cross the sandbox's wall
    |   +-- LockError                  autocode.lock is damaged or cannot be written
    |   |   +-- NotInLock              replay was demanded and the lock has no answer
    |   +-- ToolSchemaError            a function schema breaks a rule; nothing was sent
    |   +-- ConversationMissing        this person has no conversation of that id
    +-- AnswerError                    the model's mistake: its answer cannot be used
    |   +-- NoCode                     the answer holds no Python
    |   +-- PolicyRefused              the checker refused the code
    |   +-- RunFailed                  the code raised, hit a limit or killed its kernel
    |   |   +-- ChecksFailed           the code ran, the person's own checks did not pass
    |   +-- ToolArgumentsError         the model called a tool with arguments its schema forbids
    +-- GovernorError                  we said no before anything was sent
    |   +-- RateLimited                requests or tokens per minute or day are used up
    |   +-- BudgetExceeded             the money for a request, day or month is used up
    |   +-- PriceUnknown               a money budget is set and this model has no price
    +-- ModelError                     their mistake: the model's server
    |   +-- NoKey                      no API key was found
    |   +-- KeyRefused                 the server does not accept the key
    |   +-- RequestRefused             the server calls the request itself wrong
    |   |   +-- ContextTooLong         the prompt does not fit the model's window
    |   +-- ModelGone                  the model does not exist (any more) for this key
    |   +-- QuotaExhausted             the account has no money or quota left
    |   +-- ServerOverloaded           the server is busy or broken and stayed so
    |   +-- ServerUnreachable          no answer: connection refused, reset, timed out
    |   +-- StreamIncomplete           the answer broke off
    +-- SandboxError                   the sandbox's own trouble
    |   +-- SandboxUnavailable         no sandbox can be made here; nothing was run
    |   +-- SandboxDied                the sandboxed kernel ended by itself
    +-- StoreError                     the database
    |   +-- StoreUnavailable           cannot be opened, read or written: fail closed
    |   |   +-- StoreReadOnly          can be read and may not be written
    |   +-- StoreTooNew                written by a newer version that we cannot read
    |   +-- StoreConflict              a row is there already, or may not change
    +-- TradeError                     trading
        +-- TradeRefused               the pre-trade gate or the ticket's state says no
        +-- TicketConflict             somebody else moved this ticket first
        +-- IllegalStep                the table of a ticket's states does not hold this step
        +-- BrokerError                the broker refused or could not be understood

Each one says in three parts *what* happened, *why*, and what to *do*: short fragments as Python's own errors have them,
without a capital at the start or a full stop at the end. It carries its evidence as attributes, knows the exit code of
a command that ends with it, and renders itself in a notebook without a traceback.
"""

from __future__ import annotations

import enum
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from jupyter_autocoder.events import Run, Usage, Verdict


class ExitCode(enum.IntEnum):
    """How a command of ours ends; other runners only see zero and non-zero."""

    DONE = 0
    CELL_FAILED = 1
    WRONG_USAGE = 2
    TICKET_WAITS = 3
    POLICY_REFUSED = 4
    GOVERNOR_REFUSED = 5
    NO_SANDBOX = 6
    NOT_IN_LOCK = 7


class AutocoderError(Exception):
    """The root of everything this package raises on purpose."""

    exit_code: ClassVar[ExitCode] = ExitCode.CELL_FAILED
    usage: Usage | None = None
    """What was spent before it came to this, where anything was."""

    def __init__(self, what: str, *, why: str = "", do: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.why = why
        self.do = do

    def __str__(self) -> str:
        parts = (self.what, self.why and f"Why: {self.why}", self.do and f"What to do: {self.do}")
        return "\n".join(part for part in parts if part)

    def __reduce__(self) -> tuple[Any, ...]:
        # The default would call __init__ with the first argument alone and lose every keyword-only part.
        return (_restore, (type(self), self.args, self.__dict__))

    def _render_traceback_(self) -> list[str]:
        """Lines that IPython shows in place of a traceback: the message is the whole story."""
        return [f"{type(self).__name__}: {self.what}", *str(self).splitlines()[len(self.what.splitlines()) :]]


def _restore(kind: type[AutocoderError], args: tuple[Any, ...], state: dict[str, Any]) -> AutocoderError:
    error = kind.__new__(kind, *args)
    error.args = args
    error.__dict__.update(state)
    return error


# -- your mistake ------------------------------------------------------------------------------------------------------
class UserError(AutocoderError):
    """Raised when what the person typed, set or has here is wrong."""

    exit_code = ExitCode.WRONG_USAGE


class UsageError(UserError):
    """Raised when an option, a name or an argument is wrong."""


class SettingsError(UserError):
    """Raised when a settings file or an environment variable is wrong; `source` names it, `key` the key inside."""

    def __init__(self, what: str, *, source: str, key: str = "", why: str = "", do: str = "") -> None:
        super().__init__(what, why=why, do=do)
        self.source = source
        self.key = key


class SettingLocked(SettingsError):
    """Raised when a key that the administrator locked is to be changed; `source` is the administrator's file."""


class ValueCannotCross(UserError):
    """Raised when the value called `name` of type `type_name` cannot cross the sandbox's wall as data."""

    def __init__(self, what: str, *, name: str, type_name: str, why: str = "", do: str = "") -> None:
        super().__init__(what, why=why, do=do)
        self.name = name
        self.type_name = type_name


class LockError(UserError):
    """Raised when the lock file at `path` is damaged, foreign or cannot be written."""

    def __init__(self, what: str, *, path: str, why: str = "", do: str = "") -> None:
        super().__init__(what, why=why, do=do)
        self.path = path


class NotInLock(LockError):
    """Raised when replay was demanded and the lock holds no answer to this prompt."""

    exit_code = ExitCode.NOT_IN_LOCK


class ToolSchemaError(UserError):
    """Raised before anything is reserved or sent: the schema breaks `rule` at `path` (a JSON pointer)."""

    def __init__(self, what: str, *, path: str, rule: str, why: str = "", do: str = "") -> None:
        super().__init__(what, why=why, do=do)
        self.path = path
        self.rule = rule


class ConversationMissing(UserError):
    """Raised when the person has no conversation called `conversation`: deleted, mistyped, or somebody else's."""

    def __init__(self, what: str, *, conversation: str, why: str = "", do: str = "") -> None:
        super().__init__(what, why=why, do=do)
        self.conversation = conversation


# -- the model's mistake -----------------------------------------------------------------------------------------------
class AnswerError(AutocoderError):
    """Raised when the model answered and its answer cannot be used."""


class NoCode(AnswerError):
    """Raised when no attempt gave Python code; `answer` is the last text."""

    def __init__(self, what: str, *, answer: str, why: str = "", do: str = "") -> None:
        super().__init__(what, why=why, do=do)
        self.answer = answer


class PolicyRefused(AnswerError):
    """Raised when the checker refused the code; `verdict` holds every finding."""

    exit_code = ExitCode.POLICY_REFUSED

    def __init__(self, what: str, *, verdict: Verdict, source: str, why: str = "", do: str = "") -> None:
        super().__init__(what, why=why, do=do)
        self.verdict = verdict
        self.source = source


class RunFailed(AnswerError):
    """Raised when the code raised, hit a limit or killed its kernel; `run` is what came back."""

    def __init__(self, what: str, *, run: Run, source: str, why: str = "", do: str = "") -> None:
        super().__init__(what, why=why, do=do)
        self.run = run
        self.source = source


class ChecksFailed(RunFailed):
    """Raised when the code ran but the person's own checks did not pass."""


class ToolArgumentsError(AnswerError):
    """Raised when a tool call's arguments break the tool's schema twice; `path` points into the arguments."""

    def __init__(self, what: str, *, tool: str, path: str, why: str = "", do: str = "") -> None:
        super().__init__(what, why=why, do=do)
        self.tool = tool
        self.path = path


# -- the governor ------------------------------------------------------------------------------------------------------
class GovernorError(AutocoderError):
    """Raised when a request was refused here, before anything was sent."""

    exit_code = ExitCode.GOVERNOR_REFUSED


class RateLimited(GovernorError):
    """Raised when `limit` is used up; `retry_after` is in seconds."""

    def __init__(self, what: str, *, limit: str, retry_after: float, why: str = "", do: str = "") -> None:
        super().__init__(what, why=why, do=do)
        self.limit = limit
        self.retry_after = retry_after


class BudgetExceeded(GovernorError):
    """Raised when `asked` would take `spent` over the budget called `limit`, of size `budget`; all in micro-USD."""

    def __init__(
        self, what: str, *, limit: str, budget: int, spent: int, asked: int, why: str = "", do: str = ""
    ) -> None:
        super().__init__(what, why=why, do=do)
        self.limit = limit
        self.budget = budget
        self.spent = spent
        self.asked = asked


class PriceUnknown(GovernorError):
    """Raised when a money budget is set and `model` has no known price: unknown is never zero."""

    def __init__(self, what: str, *, model: str, why: str = "", do: str = "") -> None:
        super().__init__(what, why=why, do=do)
        self.model = model


# -- the model's server ------------------------------------------------------------------------------------------------
class ModelError(AutocoderError):
    """Raised when the model's server refused, failed or could not be reached; `status` is the HTTP status if any."""

    def __init__(self, what: str, *, model: str = "", status: int | None = None, why: str = "", do: str = "") -> None:
        super().__init__(what, why=why, do=do)
        self.model = model
        self.status = status


class NoKey(ModelError):
    """Raised when no API key was found."""

    exit_code = ExitCode.WRONG_USAGE


class KeyRefused(ModelError):
    """Raised on 401 and on 403 for the key itself."""


class RequestRefused(ModelError):
    """Raised when the server calls the request itself wrong (400, 422)."""


class ContextTooLong(RequestRefused):
    """Raised when the prompt does not fit the window of any model of the chain."""


class ModelGone(ModelError):
    """Raised when the model does not exist, or not any more, for this key."""


class QuotaExhausted(ModelError):
    """Raised when the account has no quota or money left and the chain is at its end."""

    exit_code = ExitCode.GOVERNOR_REFUSED


class ServerOverloaded(ModelError):
    """Raised when the server stayed busy or broken through every retry."""


class ServerUnreachable(ModelError):
    """Raised when no answer came: refused, reset or timed out."""


class StreamIncomplete(ModelError):
    """Raised when the answer broke off; `received` is the text that came."""

    def __init__(
        self, what: str, *, received: str, model: str = "", status: int | None = None, why: str = "", do: str = ""
    ) -> None:
        super().__init__(what, model=model, status=status, why=why, do=do)
        self.received = received


# -- the sandbox -------------------------------------------------------------------------------------------------------
class SandboxError(AutocoderError):
    """Raised when the sandbox itself is in trouble."""


class SandboxUnavailable(SandboxError):
    """Raised when no sandbox can be made, so nothing was run; `facility` is what is missing, `mend` the command."""

    exit_code = ExitCode.NO_SANDBOX

    def __init__(self, what: str, *, facility: str, mend: str, why: str = "") -> None:
        super().__init__(what, why=why, do=mend)
        self.facility = facility
        self.mend = mend


class SandboxDied(SandboxError):
    """Raised when the sandboxed kernel ended by itself before or between runs."""


# -- the store ---------------------------------------------------------------------------------------------------------
class StoreError(AutocoderError):
    """Raised when the database is in the way; nothing is sent without a ledger to write it in."""

    exit_code = ExitCode.GOVERNOR_REFUSED


class StoreUnavailable(StoreError):
    """Raised when the database cannot be opened, read or written."""


class StoreReadOnly(StoreUnavailable):
    """Raised when something was to be written into a database that may only be read: reports go on, nothing is sent."""


class StoreTooNew(StoreError):
    """Raised when a newer version wrote the database and says that ours cannot read it."""


class StoreConflict(StoreError):
    """Raised when a row breaks a rule of its table: its key is there already, or it may not be changed."""


# -- trading -----------------------------------------------------------------------------------------------------------
class TradeError(AutocoderError):
    """Raised by trading; no order was sent unless the ticket says so."""


class TradeRefused(TradeError):
    """Raised when the pre-trade gate or the ticket's state says no; `reasons` lists every rule."""

    def __init__(self, what: str, *, reasons: tuple[str, ...] = (), why: str = "", do: str = "") -> None:
        super().__init__(what, why=why, do=do)
        self.reasons = reasons


class TicketConflict(TradeError):
    """Raised when somebody else moved this ticket first; `state` is where it stands now."""

    def __init__(self, what: str, *, ticket: str, state: str, why: str = "", do: str = "") -> None:
        super().__init__(what, why=why, do=do)
        self.ticket = ticket
        self.state = state


class IllegalStep(TradeError):
    """Raised when a ticket in `state` is asked for `step`, which the table of states does not hold."""

    def __init__(self, what: str, *, state: str, step: str, why: str = "", do: str = "") -> None:
        super().__init__(what, why=why, do=do)
        self.state = state
        self.step = step


class BrokerError(TradeError):
    """Raised when the broker refused or could not be understood; `definite` says whether the refusal is proven."""

    def __init__(self, what: str, *, definite: bool, status: int | None = None, why: str = "", do: str = "") -> None:
        super().__init__(what, why=why, do=do)
        self.definite = definite
        self.status = status
