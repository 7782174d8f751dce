"""One typed settings object, read at first use.

Files are called ``autocoder.toml`` and lie on Jupyter's configuration path (``jupyter --paths``); a later layer wins:

1. the defaults below,
2. the system-wide file, then the environment's (``sys.prefix``), then the person's,
3. ``AUTOCODER_<SECTION>_<KEY>`` in the environment (``AUTOCODER_LIMITS_REQUESTS_PER_DAY=50``),
4. options of a magic, a command or the chat.

A relative path in a file starts at the file's own folder, elsewhere at the working directory.

Tables under ``[locked]`` in the system-wide file (``[locked.limits]``) hold keys that no later layer can change. The
working directory is never searched: a stranger's notebook folder must not loosen anything.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import tomllib
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Annotated, Any, Literal

from jupyter_core import paths

from jupyter_autocoder.errors import SettingLocked, SettingsError
from jupyter_autocoder.kinds import ADDRESS, BUDGET, DAYS, LIFETIME, NOT_NEGATIVE, PATH, POSITIVE, judge, read, settle

FILE_NAME = "autocoder.toml"
PREFIX = "AUTOCODER_"
# These variables steer one run, they are no settings.
RUN_VARIABLES = frozenset({"AUTOCODER_LIVE", "AUTOCODER_LOCK", "AUTOCODER_LOCKED", "AUTOCODER_MAX_COST"})


class Default(tuple[str, ...]):
    """A list that nobody has set: equal to the same list written down, and told apart from it by its class."""

    __slots__ = ()


@dataclass(frozen=True, kw_only=True)
class ModelSettings:
    """[model]: whom we ask.

    An empty `base_url` means ``OPENAI_BASE_URL``, else OpenAI itself; a loopback address means a local model (no
    price, no request limits, no fallback, unless set). An empty or false `fallback` means no fallback. `key_file` must
    have mode 0600; empty means ``OPENAI_API_KEY``, then the keyring. `deadline` (seconds) bounds one question with its
    waits and retries.
    """

    name: str = "gpt-4o"
    provider: str = "OPENAI"
    base_url: str = ""
    fallback: tuple[str, ...] = Default(("gpt-4-turbo", "gpt-3.5-turbo", "gpt-6-luna"))
    key_file: Annotated[str, PATH] = ""
    prices_file: Annotated[str, PATH] = ""
    azure_endpoint: str = ""
    azure_api_version: str = ""
    embedding: str = "text-embedding-3-small"
    max_output_tokens: Annotated[int, POSITIVE] = 4096
    deadline: Annotated[float, POSITIVE] = 180.0
    first_byte_timeout: Annotated[float, POSITIVE] = 60.0


@dataclass(frozen=True, kw_only=True)
class LimitSettings:
    """[limits]: what a person may use up. None takes the profile's value; 0 means none at all is allowed."""

    profile: Literal["free", "tier-1", "tier-2", "tier-3", "local"] = "free"
    requests_per_minute: Annotated[int | None, NOT_NEGATIVE] = None
    requests_per_day: Annotated[int | None, NOT_NEGATIVE] = None
    tokens_per_minute: Annotated[int | None, NOT_NEGATIVE] = None
    usd_per_request: Annotated[float | None, BUDGET] = None
    usd_per_day: Annotated[float | None, BUDGET] = None
    usd_per_month: Annotated[float | None, BUDGET] = None


@dataclass(frozen=True, kw_only=True)
class PolicySettings:
    """[policy]: `imports` adds modules, `allow` and `forbid` switch rules by id; forbid wins."""

    imports: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    forbid: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class SandboxSettings:
    """[sandbox]: where generated code runs and how much it may use; sizes in MiB, times in seconds.

    `modules` are folders that can be imported inside, read-only. `pool` is how many warm sandboxes stand ready (0:
    none). `processes` allows child processes (joblib); it is off because the no-fork filter is a wall of its own.
    `keep_output` is a folder for the whole text of runs whose output was cut; empty keeps none.
    """

    backend: Literal["bubblewrap", "landlock", "podman", "docker"] = "bubblewrap"
    landlock: Literal["required", "if-available"] = "if-available"
    wall_time: Annotated[float, POSITIVE] = 60.0
    cpu_time: Annotated[int, POSITIVE] = 120
    memory: Annotated[int, POSITIVE] = 4096
    scratch: Annotated[int, POSITIVE] = 1024
    file_size: Annotated[int, POSITIVE] = 1024
    output: Annotated[int, POSITIVE] = 10
    keep_output: Annotated[str, PATH] = ""
    messages: Annotated[int, POSITIVE] = 2000
    modules: Annotated[tuple[str, ...], PATH] = ()
    processes: bool = False
    image: str = ""
    pool: Annotated[int, NOT_NEGATIVE] = 1
    pool_idle: Annotated[float, NOT_NEGATIVE] = 600.0


@dataclass(frozen=True, kw_only=True)
class NotebookSettings:
    """[notebook]: how the magics behave unless the cell says otherwise."""

    attempts: Annotated[int, POSITIVE] = 3
    show_data: bool = False
    rows_shown: Annotated[int, NOT_NEGATIVE] = 5


@dataclass(frozen=True, kw_only=True)
class StoreSettings:
    """[store]: an empty `url` means a SQLite file in the person's private Jupyter data folder."""

    url: Annotated[str, ADDRESS] = ""


@dataclass(frozen=True, kw_only=True)
class TradeSettings:
    """[trade]: money in US dollars, times in seconds, shares in percent.

    Every key is loosened in a file only (see `TIGHTEN_ONLY`): a notebook, a variable or an option can tighten it. Live
    needs `account` (the id that the broker must report), the same id in `live_accounts`, and `live_shared_user` where
    code in a person's kernel runs as the same user as the server that sends the orders. An empty `prices` replays the
    sample prices that come with the package; else it is a CSV file of the person's own. `price_move` is how far a
    price may move between card and click, `quote_age` how old it may be. `approve_above` is the notional from which a
    second person out of `approvers` must confirm (None: never). `retention_days` of 0 keeps the audit for ever.
    `owner` is whose tickets kernels and commands here draft: the name by which the Jupyter server's identity provider
    knows the person, where that is neither JupyterHub's name (taken from ``JUPYTERHUB_USER``) nor the account's.
    `key_file` holds a broker's keys as TOML (``key_id``, ``secret``) and must have mode 0600; paper accounts may use
    the broker's own variables instead.
    """

    mode: Literal["paper", "live"] = "paper"
    broker: str = "paper"
    account: str = ""
    live_accounts: tuple[str, ...] = ()
    live_shared_user: bool = False
    key_file: Annotated[str, PATH] = ""
    prices: Annotated[str, PATH] = ""
    paper_cash: Annotated[float, NOT_NEGATIVE] = 100_000.0
    commission: Annotated[float, NOT_NEGATIVE] = 0.0
    commission_per_share: Annotated[float, NOT_NEGATIVE] = 0.0
    max_order_notional: Annotated[float, NOT_NEGATIVE] = 25_000.0
    max_daily_notional: Annotated[float, NOT_NEGATIVE] = 100_000.0
    max_daily_orders: Annotated[int, NOT_NEGATIVE] = 200
    max_orders_per_minute: Annotated[int, NOT_NEGATIVE] = 30
    max_daily_loss: Annotated[float, NOT_NEGATIVE] = 2_000.0
    price_band: Annotated[float, NOT_NEGATIVE] = 10.0
    warn_band: Annotated[float, NOT_NEGATIVE] = 3.0
    warn_equity: Annotated[float, NOT_NEGATIVE] = 10.0
    duplicate_window: Annotated[float, NOT_NEGATIVE] = 300.0
    allow_short: bool = False
    market_ttl: Annotated[float, LIFETIME] = 60.0
    limit_ttl: Annotated[float, LIFETIME] = 600.0
    price_move: Annotated[float, NOT_NEGATIVE] = 0.5
    quote_age: Annotated[float, NOT_NEGATIVE] = 15.0
    skip_below: Annotated[float, NOT_NEGATIVE] = 1.0
    approve_above: Annotated[float | None, NOT_NEGATIVE] = None
    approvers: tuple[str, ...] = ()
    lookup_time: Annotated[float, NOT_NEGATIVE] = 30.0
    retention_days: Annotated[int, DAYS] = 0
    owner: str = ""


# Of these neither more nor less is certainly tighter: they stay as the files have them.
FILE_ONLY = frozenset({"trade.duplicate_window", "trade.retention_days", "trade.lookup_time", "trade.owner"})
# These protect nothing: any layer may set them.
_FREE = frozenset({"prices", "paper_cash", "commission", "commission_per_share", "skip_below"})
# The others limit it: outside a file a number may only fall, a permission only be withdrawn, a word only be "paper".
TIGHTEN_ONLY = frozenset(f"trade.{item.name}" for item in fields(TradeSettings) if item.name not in _FREE) - FILE_ONLY


@dataclass(frozen=True, kw_only=True)
class ChatSettings:
    """[chat]: `context_messages` is how many earlier messages the model is shown.

    `context_tokens` bounds them further; None means as many as the model's window and a minute's limit leave.
    `keep_deleted` is an administrator's retention: deleted conversations are hidden, not destroyed, and the sidebar
    says so. `sandboxes` is how many conversations of one server hold a sandbox at a time.
    """

    context_messages: Annotated[int, NOT_NEGATIVE] = 20
    context_tokens: Annotated[int | None, POSITIVE] = None
    keep_deleted: bool = False
    sandboxes: Annotated[int, POSITIVE] = 4


@dataclass(frozen=True, kw_only=True)
class Settings:
    """All sections; frozen, so a change is a new object made by `replace`."""

    model: ModelSettings = field(default_factory=ModelSettings)
    limits: LimitSettings = field(default_factory=LimitSettings)
    policy: PolicySettings = field(default_factory=PolicySettings)
    sandbox: SandboxSettings = field(default_factory=SandboxSettings)
    notebook: NotebookSettings = field(default_factory=NotebookSettings)
    store: StoreSettings = field(default_factory=StoreSettings)
    trade: TradeSettings = field(default_factory=TradeSettings)
    chat: ChatSettings = field(default_factory=ChatSettings)
    locked: Mapping[str, str] = field(default_factory=dict)
    """``section.key`` -> the administrator's file that locks it."""

    def replace(self, source: str, **values: Any) -> Settings:
        """Return these settings with ``section__key=value`` changed on behalf of `source` (an option, a magic).

        Raises SettingLocked where the administrator's file forbids it, SettingsError on a wrong key or type.
        """
        layer = _Layer(source)
        for name, value in values.items():
            section, _, key = name.partition("__")
            layer.put(section, key, value)
        return _apply(self, layer, tighten=True)


class _Layer:
    """Values from one source, checked against the sections' fields; relative paths of a `file` start at its folder."""

    def __init__(self, source: str, *, file: Path | None = None) -> None:
        self.source = source
        self._folder = None if file is None else file.absolute().parent
        self.values: dict[tuple[str, str], Any] = {}

    def put(self, section: str, key: str, value: Any) -> None:
        kind = _kinds().get(section, {}).get(key)
        if kind is None:
            raise self.error(f"unknown setting {section}.{key}", f"{section}.{key}", _suggestion(section))
        try:
            taken = judge(value, kind)
        except (TypeError, ValueError, OverflowError) as error:
            raise self.error(f"setting {section}.{key} {error}", f"{section}.{key}", "") from None
        self.values[section, key] = taken if self._folder is None else settle(taken, kind, self._folder)

    def put_locked(self, tables: Any) -> None:
        if not isinstance(tables, Mapping):
            raise self.error("locked is no table", "locked", "write the keys into [locked.<section>]")
        self.put_table(tables)

    def put_table(self, tables: Mapping[str, Any]) -> None:
        for section, table in tables.items():
            if not isinstance(table, Mapping):
                raise self.error(f"{section!r} stands outside a section", section, _suggestion(section))
            for key, value in table.items():
                self.put(section, key, value)

    def error(self, what: str, key: str, do: str) -> SettingsError:
        return SettingsError(f"{self.source}: {what}", source=self.source, key=key, do=do or "correct the value there")


def _file_layer(path: Path) -> _Layer:
    return _Layer(str(path), file=path)


def load(
    environ: Mapping[str, str] | None = None,
    *,
    directories: Sequence[Path] | None = None,
    system: Sequence[Path] | None = None,
) -> Settings:
    """Read the settings anew; `directories` (most important first) and `system` default to Jupyter's own paths.

    Raises SettingsError naming file and key on an unknown key, a wrong type or unreadable TOML; SettingLocked where a
    lower layer tries to change what the system-wide file locks.
    """
    environ = os.environ if environ is None else environ
    system = [Path(p) for p in paths.SYSTEM_CONFIG_PATH] if system is None else system
    directories = [Path(p) for p in paths.jupyter_config_path()] if directories is None else directories
    settings = Settings()
    for folder in reversed(system):
        settings = _apply_system_file(settings, folder / FILE_NAME)
    for folder in reversed([d for d in directories if d not in system]):
        layer = _file_layer(folder / FILE_NAME)
        tables = _read(folder / FILE_NAME)
        if "locked" in tables:
            raise layer.error(
                "[locked] counts only in the system-wide file", "locked", "move the keys to their section"
            )
        layer.put_table(tables)
        settings = _apply(settings, layer)
    return _apply(settings, _environment(environ), tighten=True)


@functools.cache
def current() -> Settings:
    """The settings of this process, read once."""
    return load()


def _apply_system_file(settings: Settings, path: Path) -> Settings:
    tables = _read(path)
    locked = _file_layer(path)
    locked.put_locked(tables.pop("locked", {}))
    layer = _file_layer(path)
    layer.put_table(tables)
    layer.values.update(locked.values)
    settings = _apply(settings, layer)
    names = {f"{section}.{key}": str(path) for section, key in locked.values}
    return dataclasses.replace(settings, locked={**settings.locked, **names})


def _apply(settings: Settings, layer: _Layer, *, tighten: bool = False) -> Settings:
    sections: dict[str, Any] = {}
    for (section, key), value in layer.values.items():
        now = sections.get(section, getattr(settings, section))
        file = settings.locked.get(f"{section}.{key}")
        if file and value != getattr(now, key):
            what = f"{layer.source}: {section}.{key} cannot be changed"
            why = f"the administrator locked it in {file}"
            do = "remove the setting, or ask your administrator"
            raise SettingLocked(what, source=file, key=f"{section}.{key}", why=why, do=do)
        if tighten and _is_refused(f"{section}.{key}", getattr(now, key), value):
            what = f"{layer.source}: {section}.{key} cannot be loosened from {getattr(now, key)!r} to {value!r} here"
            do = f"change it in {FILE_NAME} on Jupyter's configuration path, outside the notebook"
            why = "what protects money is loosened in a configuration file only"
            raise SettingLocked(what, source=layer.source, key=f"{section}.{key}", why=why, do=do)
        sections[section] = dataclasses.replace(now, **{key: value})
    return dataclasses.replace(settings, **sections)


def _is_refused(name: str, now: Any, value: Any) -> bool:
    return (name in FILE_ONLY and value != now) or (name in TIGHTEN_ONLY and _loosens(now, value))


def _loosens(now: Any, value: Any) -> bool:
    """Whether `value` allows what `now` does not; None is "no second approver is ever asked for", the loosest."""
    if type(now) is bool or type(value) is bool:
        return bool(value) and not now
    if isinstance(now, tuple):
        return not set(value) <= set(now)
    if isinstance(now, str):
        return bool(value != now and value != "paper")
    if now is None or value is None:
        return now is not None
    # Turned round, so that nan, which compares with nothing, counts as looser.
    return not value <= now


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        # Unreadable is not the same as absent: an administrator's limits may stand in there.
        raise SettingsError(f"{path} cannot be read", source=str(path), why=str(error), do="mend the file") from None


def _environment(environ: Mapping[str, str]) -> _Layer:
    layer = _Layer("environment")
    for name, value in environ.items():
        if not name.startswith(PREFIX) or name in RUN_VARIABLES:
            continue
        layer.source = f"environment variable {name}"
        section, _, key = name.removeprefix(PREFIX).lower().partition("_")
        layer.put(section, key, read(value, _kinds().get(section, {}).get(key)))
    layer.source = "environment"
    return layer


@functools.cache
def _kinds() -> dict[str, dict[str, Any]]:
    return {name: typing.get_type_hints(kind, include_extras=True) for name, kind in _sections()}


def _sections() -> Iterator[tuple[str, Any]]:
    for name, kind in typing.get_type_hints(Settings).items():
        if dataclasses.is_dataclass(kind):
            yield name, kind


def _suggestion(section: str) -> str:
    known = _kinds().get(section)
    return f"known keys of [{section}]: {', '.join(known)}" if known else f"known sections: {', '.join(_kinds())}"
