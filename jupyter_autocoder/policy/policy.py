"""What is allowed beyond the built-in lists."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from jupyter_autocoder.errors import SettingsError
from jupyter_autocoder.policy.modules import MODULES

if TYPE_CHECKING:
    from jupyter_autocoder.settings import PolicySettings


@dataclass(frozen=True, slots=True)
class Policy:
    """Which imports, rules and capabilities differ from the default; the default is the strictest useful one.

    `imports` adds modules with everything in them (``yfinance``, ``mylab.tools``). `allow` switches rules off by id.
    `forbid` switches rules on again and forbids capabilities (``files-written``); what it names wins over `allow`.
    Empty means: nothing beyond the default. Raises SettingsError on an id that does not exist.
    """

    imports: frozenset[str] = frozenset()
    allow: frozenset[str] = frozenset()
    forbid: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        for key in ("imports", "allow", "forbid"):
            value = getattr(self, key)
            if isinstance(value, str):
                raise _wrong(key, f"policy.{key} must be a list of names, not one string", "write it as a list")
            object.__setattr__(self, key, frozenset(value))
        for name in self.imports:
            if not all(part.isidentifier() for part in name.split(".")):
                raise _wrong("imports", f"policy.imports: {name!r} is no module name", "write it as in `import a.b`")
        _check_ids(self)

    @classmethod
    def from_settings(cls, settings: PolicySettings) -> Policy:
        """Make the policy of a ``[policy]`` section."""
        return cls(
            imports=frozenset(settings.imports), allow=frozenset(settings.allow), forbid=frozenset(settings.forbid)
        )

    @property
    def modules(self) -> frozenset[str]:
        """The modules that may be imported, for telling a model."""
        return frozenset(MODULES) | self.imports

    @property
    def off(self) -> frozenset[str]:
        """The ids of the rules that do not apply."""
        return self.allow - self.forbid


def _check_ids(policy: Policy) -> None:
    # The registry imports the scan, which needs a Policy: imported late to keep the files free of a cycle.
    from jupyter_autocoder.policy.capabilities import CAPABILITIES
    from jupyter_autocoder.policy.rules import RULES

    for name in sorted(policy.allow):
        if name not in RULES:
            raise _wrong("allow", f"policy.allow: there is no rule {name!r}", f"choose from {', '.join(sorted(RULES))}")
        if not RULES[name].switchable:
            raise _wrong("allow", f"policy.allow: the rule {name!r} cannot be switched off", "remove it from the list")
    for name in sorted(policy.forbid - set(RULES) - set(CAPABILITIES)):
        known = ", ".join([*sorted(RULES), *sorted(CAPABILITIES)])
        raise _wrong("forbid", f"policy.forbid: there is no rule or capability {name!r}", f"choose from {known}")


def _wrong(key: str, what: str, do: str) -> SettingsError:
    return SettingsError(what, source="policy", key=f"policy.{key}", do=do)
