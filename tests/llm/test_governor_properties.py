"""Whatever is reserved, settled, released, forgotten and at whatever times: sums are the ledger's, limits hold."""

from __future__ import annotations

import math
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from jupyter_autocoder.errors import BudgetExceeded, RateLimited
from jupyter_autocoder.events import Usage
from jupyter_autocoder.llm.governor import Governor
from jupyter_autocoder.llm.reservation import Ask, Reservation
from jupyter_autocoder.settings import LimitSettings
from jupyter_autocoder.store import Store

# Thousands of commits: on a disk of memory where there is one, what is flushed is tested elsewhere.
QUICK = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
LEASE = 100.0
LIMITS = LimitSettings(
    requests_per_minute=3, requests_per_day=12, tokens_per_minute=1000, usd_per_day=0.01, usd_per_month=0.02
)


class Clock:
    now = 1_790_000_000.25

    def __call__(self) -> float:
        return self.now


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(gaps=st.lists(st.floats(0, 45), min_size=8, max_size=40), held=st.booleans())
def test_three_a_minute_never_admits_four_in_any_sixty_seconds(gaps: list[float], held: bool) -> None:
    clock = Clock()
    with tempfile.TemporaryDirectory(dir=QUICK) as folder:
        store = Store(f"{folder}/s", clock=clock)
        governor = Governor(store, LimitSettings(tokens_per_minute=10**9), user="ada")
        admitted: list[float] = []
        for gap in gaps:
            clock.now += gap
            if len([at for at in admitted if clock.now - at < 60]) == 3:
                with pytest.raises(RateLimited) as refused:
                    governor.reserve(Ask(model="m", key="k"))
                assert 0 < refused.value.retry_after <= 60
                continue
            reservation = governor.reserve(Ask(model="m", key="k"))
            admitted.append(clock.now)
            if not held:
                governor.release(reservation, "overloaded")
        store.close()

    for first, fourth in zip(admitted, admitted[3:], strict=False):
        assert fourth - first >= 60


class GovernorMachine(RuleBasedStateMachine):
    """Two users of one key, on a clock that also stands still and jumps back."""

    @initialize()
    def begin(self) -> None:
        self.clock = Clock()
        self.folder = tempfile.TemporaryDirectory(dir=QUICK)
        self.store = Store(str(Path(self.folder.name) / "s"), clock=self.clock)
        self.governors = {user: Governor(self.store, LIMITS, user=user, lease_seconds=LEASE) for user in ("ada", "bob")}
        self.open: list[tuple[str, Reservation]] = []
        self.ended: list[tuple[str, Reservation]] = []

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            self.folder.cleanup()

    @rule(user=st.sampled_from(["ada", "bob"]), tokens=st.integers(0, 1200), cost=st.integers(0, 6000))
    def reserve(self, user: str, tokens: int, cost: int) -> None:
        ask = Ask(model="m", key="k", input_tokens=tokens // 3, max_output_tokens=tokens - tokens // 3, cost=cost)
        try:
            reservation = self.governors[user].reserve(ask)
        except (RateLimited, BudgetExceeded):
            return
        self.open.append((user, reservation))
        # Here and not always: where the clock was set back, what was let in before may be more than fits now.
        for left in self.governors[user].remaining(key="k", model="m"):
            assert left.used <= left.size, left

    @precondition(lambda self: self.open)
    @rule(pick=st.randoms(use_true_random=False), share=st.floats(0, 1), latency=st.none() | st.floats(0, 30))
    def settle(self, pick: object, share: float, latency: float | None) -> None:
        user, reservation = self.take(pick)
        ask = reservation.ask
        usage = Usage(
            input_tokens=int(ask.input_tokens * share),
            output_tokens=int(ask.max_output_tokens * share),
            cost=int((ask.cost or 0) * share),
        )
        assert self.governors[user].settle(reservation, usage, "ok", latency)
        self.ended.append((user, reservation))

    @precondition(lambda self: self.open)
    @rule(pick=st.randoms(use_true_random=False))
    def release(self, pick: object) -> None:
        user, reservation = self.take(pick)
        assert self.governors[user].release(reservation, "overloaded")
        self.ended.append((user, reservation))

    @precondition(lambda self: self.ended)
    @rule(pick=st.randoms(use_true_random=False))
    def end_again(self, pick: object) -> None:
        user, reservation = pick.choice(self.ended)  # type: ignore[attr-defined]
        assert not self.governors[user].settle(reservation, Usage(input_tokens=10**6, cost=10**9))
        assert not self.governors[user].release(reservation, sent=False)

    @precondition(lambda self: self.open)
    @rule(pick=st.randoms(use_true_random=False))
    def forget(self, pick: object) -> None:
        """A holder that crashed: nobody will ever end this one."""
        self.take(pick)

    @rule(seconds=st.sampled_from([0.0, 0.5, 7.0, 30.0, 60.0, LEASE, 3600.0, 86_400.0]))
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule(seconds=st.sampled_from([0.4, 30.0, 7200.0]))
    def set_the_clock_back(self, seconds: float) -> None:
        self.clock.now -= seconds

    def take(self, pick: object) -> tuple[str, Reservation]:
        return self.open.pop(pick.randrange(len(self.open)))  # type: ignore[attr-defined]

    @invariant()
    def the_sums_are_the_ledgers(self) -> None:
        if hasattr(self, "store"):
            verification = self.governors["ada"].verify()
            assert verification.differences == ()

    @invariant()
    def nothing_is_below_zero(self) -> None:
        if not hasattr(self, "store"):
            return
        for governor in self.governors.values():
            for left in governor.remaining(key="k", model="m"):
                assert left.used >= 0, left
                assert 0 <= left.resets_in < math.inf
        with self.store.read() as tx:
            for table in ("counters", "usage_daily"):
                assert tx.rows(f"SELECT * FROM {table} WHERE requests < 0 OR cost < 0") == []
            assert tx.rows("SELECT * FROM counters WHERE tokens < 0") == []


GovernorMachine.TestCase.settings = settings(
    max_examples=15, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
TestGovernorSequences = GovernorMachine.TestCase
