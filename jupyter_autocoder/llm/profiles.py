"""The limits of account tiers as data, and how the settings change them.

The numbers are those the provider published in 2026-11 for its own tiers. An account may differ: its server says so in
every answer, and what it says corrects the governor downwards; the ``[limits]`` settings correct it in both directions.

Three scopes are counted. The *user* has the profile's limits as changed by the settings. The *key* (the account, which
several users of a hub may share) has the profile's limits, or the settings' where these are wider: who allows each user
less than the account has does not make the account smaller. A *model* has limits of its own in the paid tiers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Final

from jupyter_autocoder.errors import SettingsError
from jupyter_autocoder.llm.reservation import LARGEST
from jupyter_autocoder.settings import LimitSettings

MICRO: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Sizes of all limits of one scope; None is unlimited, 0 allows nothing; money is in micro-USD."""

    requests_per_minute: int | None = None
    requests_per_day: int | None = None
    tokens_per_minute: int | None = None
    usd_per_request: int | None = None
    usd_per_day: int | None = None
    usd_per_month: int | None = None

    @property
    def counts_money(self) -> bool:
        return not (self.usd_per_request is self.usd_per_day is self.usd_per_month is None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """An account tier: `account` holds for all models together, `models` for single ones, by the name's beginning."""

    account: Limits
    models: Mapping[str, Limits] = field(default_factory=dict)

    def model(self, name: str) -> Limits:
        found = [prefix for prefix in self.models if name == prefix or name.startswith(f"{prefix}-20")]
        return self.models[max(found, key=len)] if found else Limits()


def _rates(per_minute: int, tokens: int, per_day: int | None = None) -> Limits:
    return Limits(requests_per_minute=per_minute, tokens_per_minute=tokens, requests_per_day=per_day)


# Monthly budgets are the provider's own spending caps of the tier.
PROFILES: Final[Mapping[str, Profile]] = {
    "free": Profile(account=_rates(3, 40_000, 200)),
    "tier-1": Profile(
        account=replace(_rates(3_500, 200_000, 10_000), usd_per_month=100 * MICRO),
        models={
            "gpt-4o": _rates(500, 30_000),
            "gpt-4o-mini": _rates(500, 200_000, 10_000),
            "gpt-4-turbo": _rates(500, 30_000),
            "gpt-3.5-turbo": _rates(3_500, 200_000, 10_000),
        },
    ),
    "tier-2": Profile(
        account=replace(_rates(5_000, 2_000_000), usd_per_month=500 * MICRO),
        models={
            "gpt-4o": _rates(5_000, 450_000),
            "gpt-4o-mini": _rates(5_000, 2_000_000),
            "gpt-4-turbo": _rates(5_000, 450_000),
            "gpt-3.5-turbo": _rates(3_500, 2_000_000),
        },
    ),
    "tier-3": Profile(
        account=replace(_rates(5_000, 4_000_000), usd_per_month=1_000 * MICRO),
        models={
            "gpt-4o": _rates(5_000, 800_000),
            "gpt-4o-mini": _rates(5_000, 4_000_000),
            "gpt-4-turbo": _rates(5_000, 600_000),
            "gpt-3.5-turbo": _rates(3_500, 4_000_000),
        },
    ),
    "local": Profile(account=Limits()),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Effective:
    """The limits that hold here, for each scope; `chosen` are those the settings name, None among them is unlimited."""

    user: Limits
    key: Limits
    chosen: Mapping[str, int | None]
    profile: Profile

    def model(self, name: str) -> Limits:
        return _widened(self.profile.model(name), self.chosen)


def effective(settings: LimitSettings, *, local: bool = False) -> Effective:
    """Return the limits of these settings; a `local` model has none but those that are set.

    Raises SettingsError on a negative number or one that is no number.
    """
    profile = PROFILES["local" if local else settings.profile]
    chosen = _chosen(settings)
    return Effective(
        user=replace(profile.account, **chosen),
        key=_widened(profile.account, chosen),
        chosen=chosen,
        profile=profile,
    )


def tier_seen(model: str, *, requests: int | None, tokens: int | None, than: str) -> str | None:
    """Return the widest paid tier that limits seen in the server's headers reach, when it is wider than `than`."""
    names = [name for name in PROFILES if name != "local"]
    best = None
    for name in names[names.index(than) + 1 :] if than in names else []:
        limits = PROFILES[name].models.get(model)
        if limits is None or requests is None or tokens is None:
            continue
        if requests >= (limits.requests_per_minute or 0) and tokens >= (limits.tokens_per_minute or 0):
            best = name
    return best


def _chosen(settings: LimitSettings) -> dict[str, int | None]:
    """Return the limits that the settings name; an infinite budget is how a file says that there is none."""
    values: dict[str, int | None] = {}
    for name in Limits.__slots__:
        value = getattr(settings, name)
        if value is None:
            continue
        # Turned round, so that nan, which compares with nothing, is refused.
        if not value >= 0:
            what = f"limits.{name} is {value}"
            raise SettingsError(what, source="[limits]", key=f"limits.{name}", do="give a number of at least 0")
        # A number that no database can compare with is as good as the largest that one can.
        values[name] = _micro(value) if name.startswith("usd_") else min(value, LARGEST)
    return values


def _micro(dollars: float) -> int | None:
    return None if math.isinf(dollars) else min(int((Decimal(str(dollars)) * MICRO).to_integral_value()), LARGEST)


def _widened(limits: Limits, chosen: Mapping[str, int | None]) -> Limits:
    wider = {}
    for name, value in chosen.items():
        own = getattr(limits, name)
        wider[name] = None if own is None or value is None else max(own, value)
    return replace(limits, **wider)
