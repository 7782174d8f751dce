"""The governor: says yes or no before anything is sent, and writes down what was used.

::

    governor = Governor(store, settings.limits)             # local=True: a model on this machine, unlimited
    ask = Ask(model="gpt-4o", key=fingerprint(key, base_url), input_tokens=900, max_output_tokens=4096, cost=43_210,
              face="magic", notebook="prices.ipynb")
    reservation = governor.reserve(ask)                     # RateLimited(retry_after) | BudgetExceeded | PriceUnknown
    ...send...
    governor.heed(reservation, response.headers)            # x-ratelimit-*: stricter for a while, never laxer
    governor.settle(reservation, usage, "ok", latency)      # or
    governor.release(reservation, "rate_limited")           # no tokens, no money; sent=False frees the place as well

Every attempt is reserved by itself and ends in one of four ways: *settled* (what was used is charged), *released*
(nothing was used; the request still counts against the rates unless it was never sent), *expired* (nobody said how it
ended: charged at its estimate, since it may have been billed), or expired and settled or released late (the ledger gets
a correction). Each of them is one transaction under the store's write lock, so that no limit is passed by processes
that ask at the same time; ending a reservation twice does nothing the second time.

Nothing here waits. A refusal for a while is a `RateLimited` whose `retry_after` is when the same request will fit if
nobody else comes first (inf: never). Every method may raise StoreUnavailable: then nothing may be sent.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from itertools import count
from typing import Final

from jupyter_autocoder.errors import GovernorError, RateLimited
from jupyter_autocoder.events import Usage
from jupyter_autocoder.llm import admission, breakers, counters, leases, ledger, signals, windows
from jupyter_autocoder.llm.identity import current_process, current_user
from jupyter_autocoder.llm.profiles import effective, tier_seen
from jupyter_autocoder.llm.purse import Purse
from jupyter_autocoder.llm.remaining import remaining
from jupyter_autocoder.llm.reservation import Ask, Left, Reservation, new_id
from jupyter_autocoder.llm.scopes import Counted, scopes_of
from jupyter_autocoder.llm.verification import Verification, verify
from jupyter_autocoder.settings import LimitSettings
from jupyter_autocoder.store import Store, Writing

LEASE_SECONDS: Final = 600.0
_PRUNE_EVERY: Final = 64


class Governor:
    """The limits of one user over a store that all processes share.

    `user` is who pays and is limited: the hub's user or the operating system's, unless a server names the person it has
    authenticated. `local` says that the model runs on this machine. `lease_seconds` is how long an attempt may take
    before its reservation is charged at estimate. `purse` bounds what this governor grants in all.
    """

    def __init__(
        self,
        store: Store,
        limits: LimitSettings | None = None,
        *,
        user: str | None = None,
        local: bool = False,
        lease_seconds: float = LEASE_SECONDS,
        purse: Purse | None = None,
    ) -> None:
        self.user = current_user() if user is None else user
        self._store = store
        self._settings = LimitSettings() if limits is None else limits
        self._limits = effective(self._settings, local=local)
        self._local = local
        self._lease_seconds = lease_seconds
        self._purse = purse
        self._reserved = count(1)

    def reserve(self, ask: Ask, *, met: frozenset[str] = frozenset()) -> Reservation:
        """Take a place for one attempt in every limit at once, or in none.

        `met` names the breakers (as `trip` returned them) that this chain of calls has met itself: they do not hold it
        back. Raises BudgetExceeded, PriceUnknown, or RateLimited with `limit` naming what is used up: a limit's own
        name, with ``key_`` or ``model_`` before it where it is not the user's, ``server_requests``, ``server_tokens``,
        ``model_breaker`` or ``key_breaker``.
        """
        if self._purse is None:
            return self._reserve(ask, met)
        self._purse.allow(ask)
        reservation = self._reserve(ask, met)
        self._purse.put_aside(reservation)
        return reservation

    def _reserve(self, ask: Ask, met: frozenset[str]) -> Reservation:
        scopes = scopes_of(self.user, ask, self._limits)
        windows.check_price(ask, scopes)
        reservation = self._admit_at_once(ask, scopes)
        if reservation is not None:
            return reservation
        with self._store.write() as tx:
            now = tx.now()
            found = leases.survey(tx, ask, self.user, now)
            if found.clock_back:
                leases.pull_back(tx, now)
            if found.overdue:
                leases.expire(tx, now)
            opened = breakers.in_the_way(tx, ask, met) if found.breakers else []
            said = signals.standing(tx, ask, now) if found.signals else []
            refused = self._over_a_limit(tx, ask, scopes, now) or _longest(
                [breakers.refusal(row, ask, now) for row in opened] + [signals.refusal(row, ask, now) for row in said]
            )
            if refused is None:
                for breaker in opened:
                    breakers.start_probe(tx, breaker, now)
                if said:
                    signals.count_down(tx, ask, now)
                reservation = Reservation(
                    id=new_id(now),
                    ask=ask,
                    user=self.user,
                    at=now,
                    expires_at=now + self._lease_seconds,
                    probe=bool(opened),
                )
                leases.add(tx, reservation, current_process())
                return reservation
        # Raised out here, because what was put right stays right when the answer is no.
        raise refused

    def settle(self, reservation: Reservation, usage: Usage, outcome: str = "ok", latency: float | None = None) -> bool:
        """Charge what an attempt used; return whether this call did it (False: it was ended already).

        `outcome` is one of ``ledger.SUCCESSES`` or the name of what went wrong; `latency` is in seconds from sending.
        An answer whose cost is not known though its estimate was is charged at the estimate, flagged *estimated*; so is
        one whose counts are impossible, since less than nothing would give money back.
        """
        if not ledger.is_possible(usage):
            ask = reservation.ask
            usage = Usage(
                input_tokens=ask.input_tokens, output_tokens=ask.max_output_tokens, cost=ask.cost, estimated=True
            )
        if usage.cost is None and reservation.ask.cost is not None:
            usage = replace(usage, cost=reservation.ask.cost, estimated=True)
        return self._end(reservation, usage, outcome, latency, sent=True)

    def release(
        self, reservation: Reservation, outcome: str = "released", *, sent: bool = True, latency: float | None = None
    ) -> bool:
        """Give an attempt's tokens and money back; return whether this call did it.

        Its request still counts against the requests per minute and day, because servers count failed requests too;
        `sent=False`, for an attempt that never left this machine, gives that back as well.
        """
        return self._end(reservation, Usage(), outcome, latency, sent=sent)

    def renew(self, reservation: Reservation) -> Reservation:
        """Return the reservation with its lease begun anew, for an answer that is still streaming."""
        with self._store.write() as tx:
            expires_at = tx.now() + self._lease_seconds
            tx.run("UPDATE reservations SET expires_at = ? WHERE id = ? AND state = 'open'", expires_at, reservation.id)
        return replace(reservation, expires_at=expires_at)

    def expire(self) -> int:
        """Charge every overdue lease at its estimate and return how many there were.

        `reserve` does the same, some at a time, and every usage report does it first.
        """
        return leases.charge_overdue(self._store)

    def heed(self, reservation: Reservation, headers: Mapping[str, str]) -> str | None:
        """Take in what the server's headers say is left; return a line to show when the account seems a wider tier."""
        found = signals.parse(headers)
        if not found or self._local:
            return None
        with self._store.write() as tx:
            signals.heed(tx, reservation.ask, reservation.at, found, tx.now())
        sizes = {signal.kind: signal.size for signal in found}
        model, profile = reservation.ask.model, self._settings.profile
        tier = tier_seen(model, requests=sizes.get("requests"), tokens=sizes.get("tokens"), than=profile)
        if tier is None:
            return None
        return f'this account allows more than the profile "{profile}": set [limits] profile = "{tier}" to use it'

    def trip(self, ask: Ask, kind: breakers.Kind, *, reason: str, seconds: float | None = None) -> str:
        """Keep new calls of all processes away from this model, or this key, and return the breaker's name for `met`.

        Without `seconds` it is half a minute at first, and twice as long with every further failure.
        """
        name = breakers.name_of(kind, ask)
        with self._store.write() as tx:
            breakers.trip(tx, name, reason, seconds, tx.now())
        return name

    def remaining(self, *, key: str = "", model: str = "") -> tuple[Left, ...]:
        """Return what is left of each of the user's limits, and of the key's and the model's when these are named."""
        asked = scopes_of(self.user, Ask(model=model, key=key), self._limits)
        wanted: tuple[Counted, ...] = asked[: 3 if key and model else 2 if key else 1]
        with self._store.read() as tx:
            return remaining(tx, tx.now(), wanted)

    def verify(self) -> Verification:
        """Compute every counter anew from the ledger and the reservations, and say whether they agree."""
        with self._store.read() as tx:
            return verify(tx, tx.now())

    def _admit_at_once(self, ask: Ask, scopes: tuple[Counted, ...]) -> Reservation | None:
        if next(self._reserved) % _PRUNE_EVERY == 0:
            with self._store.write() as tx:
                leases.prune(tx, tx.now())
                counters.prune(tx, tx.now(), tuple(scope.name for scope in scopes))
        now, process = self._store.about_now(), current_process()
        id = new_id(now)
        ((*rows,),) = self._store.atomically(
            admission.statement(ask, scopes, id=id, user=self.user, process=process, lease=self._lease_seconds, now=now)
        )
        if not rows:
            return None
        return Reservation(id=id, ask=ask, user=self.user, at=rows[0]["at"], expires_at=rows[0]["expires_at"])

    def _over_a_limit(self, tx: Writing, ask: Ask, scopes: tuple[Counted, ...], now: float) -> GovernorError | None:
        used = windows.sums(tx, now, scopes)
        # Money first: nobody should wait a minute only to hear that the budget is spent.
        for scope, sums in zip(scopes, used, strict=True):
            refused = windows.budget_refusal(ask, scope, sums)
            if refused is not None:
                return refused
        return _longest(
            [
                refusal.error()
                for scope, sums in zip(scopes, used, strict=True)
                for refusal in windows.rate_refusals(tx, now, ask, scope, sums)
            ]
        )

    def _end(self, reservation: Reservation, usage: Usage, outcome: str, latency: float | None, *, sent: bool) -> bool:
        if self._purse is not None:
            self._purse.end(reservation, usage)
        entry = ledger.charge(usage, outcome, latency)
        steps = list(leases.end_at_once(reservation, entry, sent=sent, latency=latency))
        if outcome in ledger.SUCCESSES:
            steps.append(breakers.close(reservation.ask, reservation.at))
        elif reservation.probe and not sent:
            steps.append(breakers.end_probe(reservation.ask))
        if self._store.atomically(*steps)[0]:
            return True
        with self._store.write() as tx:
            lease = leases.find(tx, reservation)
            if lease is None:
                return False
            if lease["state"] == "expired":
                entry = ledger.correction(leases.estimate(lease), usage, outcome, latency)
            now = tx.now()
            ledger.write(tx, lease, entry, now=now)
            sent_at = now - latency if latency is not None else 0.0
            leases.end(tx, lease, tokens=usage.total_tokens, sent=sent, sent_at=sent_at)
        return True


def _longest(refusals: Iterable[RateLimited | None]) -> RateLimited | None:
    """Return the refusal that lasts longest, so that one wait is enough for all of them."""
    return max((refusal for refusal in refusals if refusal), key=lambda refusal: refusal.retry_after, default=None)
