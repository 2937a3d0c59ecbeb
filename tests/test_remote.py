"""Remote places: how often the store is called, who waits, and what they get."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import sys
import threading
from contextlib import suppress
from time import monotonic
from typing import TYPE_CHECKING

import pytest

import lamini_creds
from lamini_creds import CredentialError, Outcome, ProviderDenied, ProviderInvalid, ProviderUnavailable, Secret
from lamini_creds._chain import Chain
from lamini_creds.providers.explicit import ExplicitProvider
from lamini_creds.testing import FakeClock, ScriptedProvider, resolver_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from _typeshed import TraceFunction

    from lamini_creds import Context, Resolver

FIRST, SECOND = Secret("test-key-1", source="store"), Secret("test-key-2", source="store")
OTHERS: set[threading.Thread] = set()
DOWN = ProviderUnavailable("is down")


class Store:
    """A resolver of one scripted store, with a clock that the test holds."""

    def __init__(self, answer: Secret | BaseException | None = FIRST, **options: object) -> None:
        self.clock = FakeClock()
        self.provider = ScriptedProvider(answer)
        self.resolver = resolver_of({"store": self.provider}, {"provider": {"store": options}}, clock=self.clock)

    def key(self, after: float = 0.0) -> str:
        self.clock.advance(after)
        return self.resolver.resolve().key

    def behind(self, calls: int) -> None:
        """Wait until so many calls have come in and the last has been taken in."""
        until(lambda: self.provider.calls >= calls and not calls_under_way())


@pytest.fixture(autouse=True)
def others() -> None:
    """Remember the calls that other tests have left hanging."""
    OTHERS.clear()
    OTHERS.update(threading.enumerate())


def calls_under_way() -> bool:
    return any(thread.name == "lamini_creds" and thread not in OTHERS for thread in threading.enumerate())


def until(fact: Callable[[], bool]) -> None:
    """Wait for a fact that another thread makes true."""
    ticker = threading.Event()
    for _ in range(3000):
        if fact():
            return
        ticker.wait(0.01)
    raise AssertionError("it did not come about")


def at_once(count: int, call: Callable[[], object]) -> list[object]:
    """Make a call in so many threads together; give what each got or raised."""
    start = threading.Barrier(count)
    got: list[object] = []

    def run() -> None:
        start.wait()
        try:
            got.append(call())
        except CredentialError as error:
            got.append(error)

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return got


def test_a_herd_of_threads_makes_one_call() -> None:
    """64 threads that ask a cold resolver together share one call."""
    store = Store()
    got = at_once(64, store.key)

    assert (["test-key-1"] * 64, 1) == (got, store.provider.calls)


def test_a_herd_shares_a_failure() -> None:
    """If the one call fails, all 64 get its error."""
    store = Store(DOWN)
    got = at_once(64, store.key)

    assert ({ProviderUnavailable}, 1) == (set(map(type, got)), store.provider.calls)


def test_a_herd_of_tasks_in_several_loops_makes_one_call() -> None:
    """1,000 tasks in four event loops share one call."""
    store = Store()
    store.provider.open.clear()

    def loop() -> int:
        async def main() -> int:
            tasks = [asyncio.create_task(store.resolver.aresolve()) for _ in range(250)]
            await asyncio.sleep(0)
            store.provider.open.set()
            return len({(await task).key for task in tasks})

        return asyncio.run(main())

    assert ([1, 1, 1, 1], 1) == (at_once(4, loop), store.provider.calls)


def test_a_herd_makes_one_resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    """Threads whose call of the function is the first of the process make one resolver, and so one call to a store."""
    made, meeting = [], threading.Barrier(2)

    class Environ(dict[str, str]):
        """Lets two threads meet where a resolver is made, if two make one."""

        def get(self, name: str, default: str | None = None) -> str | None:  # type: ignore[override]  # as os.environ's
            if name == "HOME":
                made.append(name)
                with suppress(threading.BrokenBarrierError):
                    meeting.wait(0.2)
            return super().get(name, default)

    monkeypatch.setattr(os, "environ", Environ(HOME="/nowhere", LAMINI_API_KEY="test-key-1"))
    lamini_creds.reset()
    got = at_once(2, lambda: lamini_creds.resolve_credentials().key)
    lamini_creds.reset()

    assert (["test-key-1"] * 2, ["HOME"]) == (got, made)


def test_what_a_first_call_found_is_remembered_at_once() -> None:
    """Those who waited for the first call need not all walk to its answer: the first to get there remembers it."""
    store = Store()
    found = store.resolver.resolve()

    assert found is store.resolver.remembered()


def test_fresh_answers_cost_no_call() -> None:
    """Within its life an answer is given without the store."""
    store = Store()

    assert ({"test-key-1"}, 1) == ({store.key(after=1) for _ in range(200)}, store.provider.calls)


def test_nobody_waits_for_a_refresh() -> None:
    """From 88 % of the life on a call is under way, and callers get the old key meanwhile."""
    store = Store()
    store.key()
    store.provider.open.clear()
    got = [store.key(after=265), store.key(), store.key()]
    until(lambda: store.provider.calls == 2)

    assert ["test-key-1"] * 3 == got
    store.provider.open.set()


def test_a_refresh_is_seen_when_it_lands() -> None:
    """The first call after the refresh has landed gets the new key."""
    store = Store()
    store.key()
    store.provider.answer = SECOND
    store.key(after=265)
    store.behind(2)

    assert "test-key-2" == store.key()


def test_a_long_pause_ends_with_a_fetch() -> None:
    """A call after a pause longer than the life waits for the store."""
    store = Store()
    store.key()
    store.provider.answer = SECOND

    assert "test-key-2" == store.key(after=3600)


def test_an_outage_is_no_callers_business() -> None:
    """While the store is down callers get the stale key at once, and at most one call in 10 s is made."""
    store = Store()
    store.key()
    store.provider.answer = DOWN
    got = set()
    for second in range(600):
        got.add(store.key(after=300 if second == 0 else 1))
        until(lambda: not calls_under_way())

    assert {"test-key-1"} == got
    assert 55 <= store.provider.calls - 1 <= 61


def test_recovery_is_seen_within_10_seconds() -> None:
    """The new key is served 10 s after the store has come back, at the latest."""
    store = Store()
    store.key()
    store.provider.answer = DOWN
    store.key(after=300)
    for _ in range(100):
        store.key(after=1)
        until(lambda: not calls_under_way())
    store.provider.answer = SECOND
    store.key(after=10)
    until(lambda: not calls_under_way())

    assert "test-key-2" == store.key()


def test_one_line_when_an_outage_begins_and_one_when_it_ends(caplog: pytest.LogCaptureFixture) -> None:
    """An outage is one WARNING and one INFO, however many calls fail."""
    caplog.set_level(logging.INFO, "lamini_creds")
    store = Store(timeout=30)
    store.key()
    store.provider.answer = DOWN
    for _ in range(40):
        store.key(after=300)
        until(lambda: not calls_under_way())
    store.provider.answer = SECOND
    store.key(after=11)
    until(lambda: not calls_under_way())

    assert [("WARNING", "outage began"), ("INFO", "outage ended")] == [
        (record.levelname, record.getMessage().partition(":")[0]) for record in caplog.records
    ]


@pytest.mark.parametrize("failure", [ProviderDenied("no"), ProviderInvalid("not there")], ids=["denied", "invalid"])
def test_a_refusal_ends_the_stale_key(failure: CredentialError) -> None:
    """A store that comes back and refuses ends the stale key at once."""
    store = Store()
    store.key()
    store.provider.answer = DOWN
    store.key(after=300)
    store.provider.answer = failure
    store.key(after=11)
    until(lambda: not calls_under_way())

    with pytest.raises(type(failure)):
        store.key()


def test_nobody_waits_for_a_region_that_is_down() -> None:
    """With `continue_on` a failed entry is retried behind, and wins again when it answers."""
    clock, eu, us = FakeClock(), ScriptedProvider(DOWN), ScriptedProvider(Secret("test-key-us"))
    resolver = resolver_of({"eu": eu, "us": us}, {"continue_on": ["unavailable"]}, clock=clock)
    first = resolver.resolve().key
    eu.answer = Secret("test-key-eu")
    eu.open.clear()
    clock.advance(11)
    meanwhile = resolver.resolve().key
    eu.open.set()
    until(lambda: not calls_under_way())

    assert ("test-key-us", "test-key-us", "test-key-eu") == (first, meanwhile, resolver.resolve().key)


def test_a_hanging_call_is_unavailable_after_its_timeout() -> None:
    """A provider that hangs gives an UNAVAILABLE attempt that took its time-out."""
    store = Store(timeout=0.2)
    store.provider.open.clear()
    attempt = store.resolver.explain().attempts[-1]
    store.provider.open.set()

    assert Outcome.UNAVAILABLE == attempt.outcome
    assert 0.2 <= attempt.seconds


def test_the_deadline_bounds_the_sum() -> None:
    """Two hanging entries take the chain's deadline together."""
    first, second = ScriptedProvider(), ScriptedProvider()
    first.open.clear()
    second.open.clear()
    settings = {"deadline": 0.3, "continue_on": ["unavailable"]}
    attempts = resolver_of({"one": first, "two": second}, settings).explain().attempts
    first.open.set()
    second.open.set()

    assert 0.25 <= sum(attempt.seconds for attempt in attempts) < 2.5


def test_a_caller_in_a_hurry_does_not_spoil_the_call() -> None:
    """A caller whose deadline passes leaves the call to those who can wait."""
    provider = ScriptedProvider(FIRST)
    provider.open.clear()
    resolver = resolver_of({"store": provider}, {"deadline": 0.05, "provider": {"store": {"timeout": 60.0}}})
    with pytest.raises(ProviderUnavailable):
        resolver.resolve()
    provider.open.set()
    until(lambda: not calls_under_way())

    assert ("test-key-1", 1) == (resolver.resolve().key, provider.calls)


def test_hanging_calls_do_not_pile_up() -> None:
    """However often the resolver is asked, three threads at most hang in one entry."""
    provider = ScriptedProvider(FIRST)
    provider.open.clear()
    clock = FakeClock()
    resolver = resolver_of({"store": provider}, {"provider": {"store": {"timeout": 0.002}}}, clock=clock)
    ticker = threading.Event()
    for _ in range(100):
        resolver.explain()
        clock.advance(10)
        ticker.wait(0.003)
    calls = provider.calls
    provider.open.set()

    assert 3 == calls


def test_hanging_calls_do_not_pile_up_across_profiles() -> None:
    """Nor do those of a program that makes up profiles: 16 threads at most hang for one label."""
    provider = ScriptedProvider(FIRST)
    provider.open.clear()
    resolver = resolver_of({"store": provider}, {"provider": {"store": {"timeout": 0.002}}})
    reasons = [resolver.explain(profile=f"p{number}").attempts[-1].reason for number in range(40)]
    calls = provider.calls
    provider.open.set()

    assert (16, "calls to it hang") == (calls, reasons[-1])


def test_calls_that_hang_for_other_profiles_leave_the_old_answer() -> None:
    """Where so many hang that none is made, a profile's old answer stands in as in any outage."""
    store = Store(Secret("test-key-1", url="https://store.example.com"), timeout=0.002)
    until(lambda: store.resolver.explain(profile="p").credential is not None)
    store.provider.open.clear()
    for number in range(16):
        store.resolver.explain(profile=f"p{number}")
    calls = store.provider.calls
    store.clock.advance(3600)
    found = store.resolver.explain(profile="p").credential
    store.provider.open.set()

    assert found is not None
    assert calls == store.provider.calls


def test_a_hanging_call_is_abandoned_after_10_timeouts() -> None:
    """Until then no second call is made beside it, though its waiters have been told that it gives no answer."""
    store = Store(timeout=0.3)
    store.provider.open.clear()
    store.resolver.explain()
    attempt = store.resolver.explain().attempts[-1]
    store.clock.advance(10)
    later, calls = store.resolver.explain().attempts[-1], store.provider.calls
    store.provider.open.set()

    assert ("no answer within 0.3 s", "calls to it hang", 1) == (attempt.reason, later.reason, calls)
    assert later.freshness is not None
    assert "unavailable: no answer within 0.3 s" == later.freshness.last_error


def test_a_late_answer_is_better_than_none() -> None:
    """What a hanging call brings in the end is taken in."""
    store = Store(timeout=0.05)
    store.provider.open.clear()
    store.resolver.explain()
    store.provider.open.set()
    until(lambda: not calls_under_way())

    assert ("test-key-1", 1) == (store.key(), store.provider.calls)


class Meanwhile(FakeClock):
    """A clock during whose reading by the test's own thread something happens, as soon as a call is under way."""

    happens: Callable[[], object] | None = None

    def monotonic(self) -> float:
        if self.happens and calls_under_way() and threading.current_thread() is threading.main_thread():
            happens, self.happens = self.happens, None
            happens()
        return super().monotonic()


def test_an_answer_that_comes_when_it_is_given_up_begins_no_outage(caplog: pytest.LogCaptureFixture) -> None:
    """A caller who finds no answer in time says so, unless the answer is taken in while he does."""
    store, clock = ScriptedProvider(FIRST), Meanwhile()
    resolver = resolver_of({"store": store}, {"provider": {"store": {"timeout": 0.05}}}, clock=clock)
    store.open.clear()

    def come_in() -> None:
        store.open.set()
        until(lambda: not calls_under_way())

    clock.happens = come_in

    assert "test-key-1" == resolver.resolve().key
    assert [] == caplog.records


def test_the_provider_gets_the_entrys_time() -> None:
    """`context.remaining()` is what is left of the entry's own time-out, and a little less, for a better error."""
    store = Store(timeout=40.0)
    store.key()

    assert 36 <= store.provider.contexts[0].remaining() <= 38


class SelfSeeker:
    """A provider that asks the resolver it is an entry of."""

    resolver: Resolver

    def provide(self, _context: Context) -> Secret | None:
        return Secret(self.resolver.resolve().key)


class LocalSelfSeeker(SelfSeeker):
    """The same, for a local place."""

    def state(self, _context: Context) -> int:
        return 1


@pytest.mark.parametrize("provider", [SelfSeeker(), LocalSelfSeeker()], ids=["remote", "local"])
def test_a_provider_that_asks_for_itself_is_told_so(provider: SelfSeeker) -> None:
    """A provider in search of its own key by its own resolver gets an error, not a deadlock."""
    provider.resolver = resolver_of({"store": provider})

    with pytest.raises(ProviderInvalid, match="asks the resolver that is asking it"):
        provider.resolver.resolve()


def test_a_rejected_credential_is_fetched_anew() -> None:
    """After `invalidate` the next call goes to the store."""
    store = Store()
    rejected = store.resolver.resolve()
    store.provider.answer = SECOND
    store.resolver.invalidate(rejected)

    assert "test-key-2" == store.key()


def test_100_rejections_cause_one_fetch() -> None:
    """However many callers reject one credential, it is fetched once."""
    store = Store()
    rejected = store.resolver.resolve()
    store.provider.answer = SECOND

    def reject() -> str:
        store.resolver.invalidate(rejected)
        return store.key()

    assert ({"test-key-2"}, 2) == (set(at_once(100, reject)), store.provider.calls)


def test_an_answer_under_way_is_not_believed() -> None:
    """A call that began before the rejection brings nothing."""
    store = Store()
    rejected = store.resolver.resolve()
    store.provider.open.clear()
    store.key(after=265)
    until(lambda: store.provider.calls == 2)
    store.resolver.invalidate(rejected)
    store.provider.answer = SECOND
    waiting = threading.Thread(target=store.key)
    waiting.start()
    until(lambda: store.provider.calls == 3)
    store.provider.open.set()
    waiting.join()

    assert "test-key-2" == store.key()


def test_an_answer_under_way_is_not_believed_after_a_failure_either() -> None:
    """Where a refresh was refused, a retry that began before the rejection brings nothing, and one fetch follows."""
    store = Store()
    rejected = store.resolver.resolve()
    store.provider.answer = ProviderDenied("no")
    store.key(after=270)
    store.behind(2)
    store.provider.answer = FIRST
    store.provider.open.clear()
    store.clock.advance(6)
    waiting = threading.Thread(target=store.key)
    waiting.start()
    until(lambda: store.provider.calls == 3)
    overtaken, store.provider.open, store.provider.answer = store.provider.open, threading.Event(), SECOND
    store.provider.open.set()
    at_once(100, lambda: store.resolver.invalidate(rejected))
    waiting.join()
    overtaken.set()
    until(lambda: not calls_under_way())

    assert ("test-key-2", 4) == (store.key(), store.provider.calls)


def test_a_rejected_value_is_never_stale() -> None:
    """An invalidated key does not stand in for a store that is down."""
    store = Store()
    rejected = store.resolver.resolve()
    store.provider.answer = DOWN
    store.resolver.invalidate(rejected)

    with pytest.raises(ProviderUnavailable):
        store.key()


def test_a_server_that_rejects_every_key_does_not_drive_fetches() -> None:
    """Where the store gives the rejected key again, it is not asked again for 5 s."""
    store = Store()
    for _ in range(100):
        store.resolver.invalidate(store.resolver.resolve())
    soon = store.provider.calls
    store.clock.advance(5)
    store.resolver.invalidate(store.resolver.resolve())
    store.key()

    assert (2, 3) == (soon, store.provider.calls)


class Minting:
    """A store that gives another one of so many keys at every call."""

    def __init__(self, keys: int) -> None:
        self.keys, self.calls = keys, 0

    def provide(self, _context: Context) -> Secret:
        self.calls += 1
        return Secret(f"test-key-{self.calls % self.keys}")


@pytest.mark.parametrize("keys", [2, 1000], ids=["two in turns", "each new"])
def test_rejections_of_ever_other_keys_do_not_drive_fetches(keys: int) -> None:
    """Where a server rejects each of a store's many keys, four of them in 5 s are followed by a fetch."""
    store, clock = Minting(keys), FakeClock()
    resolver = resolver_of({"store": store}, clock=clock)
    for _ in range(100):
        resolver.invalidate(resolver.resolve())
    soon = store.calls
    clock.advance(5)
    resolver.invalidate(resolver.resolve())
    resolver.resolve()

    assert (5, 6) == (soon, store.calls)


def test_rotations_in_a_row_are_followed_at_once() -> None:
    """A key that is rejected just after the one before it was is fetched anew, too."""
    store = Minting(1000)
    resolver = resolver_of({"store": store}, clock=FakeClock())
    keys = []
    for _ in range(4):
        keys.append((found := resolver.resolve()).key)
        resolver.invalidate(found)

    assert ["test-key-1", "test-key-2", "test-key-3", "test-key-4"] == keys


def test_late_rejections_do_not_overtake_the_fetch() -> None:
    """While the key after a second rotation is fetched, callers may still reject the two before it: one call does."""
    store = Store(timeout=60.0)
    first = store.resolver.resolve()
    store.provider.answer = SECOND
    store.resolver.invalidate(first)
    second = store.resolver.resolve()
    store.provider.answer = Secret("test-key-3", source="store")
    store.provider.open.clear()
    store.provider.called.clear()
    store.resolver.invalidate(second)
    waiting = threading.Thread(target=store.key)
    waiting.start()
    store.provider.called.wait()
    for late in (first, second, first, second):
        store.resolver.invalidate(late)
    store.provider.open.set()
    waiting.join()

    assert ("test-key-3", 3) == (store.key(), store.provider.calls)


def test_a_fetch_after_a_rejection_wants_no_caches() -> None:
    """The provider is told to look past caches of its own."""
    store = Store()
    store.resolver.invalidate(store.resolver.resolve())
    store.key()

    assert [False, True] == [context.refresh for context in store.provider.contexts]


def test_only_the_keys_own_entry_is_asked_anew() -> None:
    """A rejection does not touch the other entries."""
    other, store = ScriptedProvider(None), ScriptedProvider(FIRST)
    resolver = resolver_of({"other": other, "store": store})
    resolver.invalidate(resolver.resolve())
    resolver.resolve()

    assert (1, 2) == (other.calls, store.calls)


def test_a_higher_local_place_wins_at_once() -> None:
    """A variable that is set later wins over a fresh remote answer."""
    environ: dict[str, str] = {}
    store = ScriptedProvider(FIRST)
    resolver = resolver_of({"store": store}, {"providers": ["env", "store"]}, environ=environ)
    before = resolver.resolve().key
    environ["LAMINI_API_KEY"] = "test-key-env"

    assert ("test-key-1", "test-key-env") == (before, resolver.resolve().key)


def test_the_event_loop_turns_while_the_store_is_asked() -> None:
    """`aresolve` does not block the loop: another task opens the store it waits for."""
    store = Store()
    store.provider.open.clear()

    async def main() -> str:
        waiting = asyncio.create_task(store.resolver.aresolve())
        while not store.provider.calls:
            await asyncio.sleep(0)
        store.provider.open.set()
        return (await waiting).key

    assert "test-key-1" == asyncio.run(main())


def test_the_default_executor_is_left_alone() -> None:
    """No thread of the loop's default executor is used."""
    store = Store()

    async def main() -> object:
        await store.resolver.aresolve()
        return getattr(asyncio.get_running_loop(), "_default_executor", None)

    assert asyncio.run(main()) is None


def test_cancelling_one_task_leaves_the_call_to_the_others() -> None:
    """A cancelled task does not cancel what others wait for."""
    store = Store()
    store.provider.open.clear()

    async def main() -> str:
        first, second = (asyncio.create_task(store.resolver.aresolve()) for _ in range(2))
        while not store.provider.calls:
            await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0)
        store.provider.open.set()
        return (await second).key

    assert ("test-key-1", 1) == (asyncio.run(main()), store.provider.calls)


@pytest.mark.parametrize("whose", ["its own", "another's"])
def test_an_interrupt_gets_through(whose: str) -> None:
    """A signal's KeyboardInterrupt ends the waiting of the main thread, also where the system hands it to another."""
    store = Store(timeout=60.0)
    store.provider.open.clear()
    main, raised = threading.get_ident(), threading.Event()

    def interrupt() -> None:
        store.provider.called.wait()
        signal.pthread_kill(main if whose == "its own" else threading.get_ident(), signal.SIGINT)
        raised.wait(10)
        store.provider.open.set()

    other = threading.Thread(target=interrupt)
    other.start()
    with pytest.raises(KeyboardInterrupt):
        store.key()
    waited_for_the_store = store.provider.open.is_set()
    raised.set()
    other.join()

    assert not waited_for_the_store


def test_profiles_do_not_share_answers() -> None:
    """What was found for one profile is not given for another."""
    store = Store()
    store.key()
    store.provider.answer = SECOND

    assert "test-key-2" == store.resolver.resolve(profile="staging").key


def test_the_report_shows_freshness() -> None:
    """`as_dict()` tells what is left of a remote answer's life."""
    store = Store()
    store.key()
    store.clock.advance(100)
    attempts = store.resolver.explain().as_dict()["attempts"]

    assert isinstance(attempts, list)
    assert 200 == attempts[-1]["freshness"]["fresh_for"]


def test_explain_shows_the_outage() -> None:
    """`explain` tells that an answer is stale, since when, and the last error."""
    store = Store()
    store.key()
    store.provider.answer = DOWN
    store.key(after=350)
    with_error = store.resolver.explain().attempts[-1].freshness

    assert with_error is not None
    assert (50, "unavailable: is down") == (with_error.stale_for, with_error.last_error)


def test_a_million_calls_leave_nothing() -> None:
    """Warm calls allocate nothing that stays."""
    import tracemalloc

    store = Store()
    store.key()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(100_000):
        store.resolver.resolve()
    grown = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()

    assert grown < 2000


def test_explicit_values_are_not_kept() -> None:
    """A thousand explicit mappings leave no trace of them in the resolver."""
    resolver = lamini_creds.Resolver(environ={})
    for number in range(1000):
        resolver.resolve({"production": {"key": f"test-key-{number}"}})

    assert resolver.remembered() is None


def test_an_interrupt_that_a_provider_raises_itself() -> None:
    """A KeyboardInterrupt in the store's own thread is the provider's mistake, and is told at once."""
    store = Store(KeyboardInterrupt(), timeout=60.0)

    with pytest.raises(ProviderInvalid, match="raised KeyboardInterrupt"):
        store.key()


class Gates:
    """A provider each of whose calls waits for a gate of its own."""

    def __init__(self) -> None:
        self.gates = [threading.Event() for _ in range(9)]
        self.answers = [Secret(f"test-key-{number}", source="store") for number in range(9)]
        self.calls = 0

    def provide(self, _context: Context) -> Secret:
        number, self.calls = self.calls, self.calls + 1
        self.gates[number].wait()
        return self.answers[number]


def test_a_late_answer_counts_while_the_next_call_hangs() -> None:
    """Only a rejection, or a newer answer, makes an answer too late."""
    provider = Gates()
    resolver = resolver_of({"store": provider}, {"deadline": 0.05, "provider": {"store": {"timeout": 0.005}}})
    until(lambda: resolver.explain() is not None and provider.calls == 2)
    provider.gates[0].set()
    until(lambda: resolver.explain().credential is not None)
    key = resolver.resolve().key
    provider.gates[1].set()

    assert "test-key-0" == key


def test_a_newer_answer_stands() -> None:
    """What a call brings that was abandoned for another does not replace what the other has brought."""
    provider = Gates()
    resolver = resolver_of({"store": provider}, {"deadline": 0.05, "provider": {"store": {"timeout": 0.005}}})
    until(lambda: resolver.explain() is not None and provider.calls == 2)
    provider.gates[1].set()
    until(lambda: resolver.explain().credential is not None)
    provider.gates[0].set()
    until(lambda: not calls_under_way())

    assert "test-key-1" == resolver.resolve().key


def test_a_caller_in_a_hurry_gets_the_old_key() -> None:
    """Who can't wait for the fetch after a long pause is better off with the key of before."""
    store, clock = ScriptedProvider(FIRST), FakeClock()
    settings = {"deadline": 0.05, "provider": {"store": {"timeout": 60.0}}}
    resolver = resolver_of({"store": store}, settings, clock=clock)
    resolver.resolve()
    clock.advance(3600)
    store.open.clear()
    key = resolver.resolve().key
    store.open.set()

    assert "test-key-1" == key


def test_who_waits_for_an_overtaken_call_gets_the_next_one() -> None:
    """A rejection sends those who wait for the refresh of the rejected key to the new call."""
    store = Store(ttl=0.0, timeout=60.0)
    old = store.resolver.resolve()
    store.provider.open.clear()
    store.provider.called.clear()
    waited: list[str] = []
    waiter = threading.Thread(target=lambda: waited.append(store.resolver.resolve().key))
    waiter.start()
    store.provider.called.wait()
    overtaken, store.provider.open, store.provider.answer = store.provider.open, threading.Event(), SECOND
    store.provider.open.set()
    store.resolver.invalidate(old)
    waiter.join(30)
    overtaken.set()

    assert ["test-key-2"] == waited


def test_calls_overtaken_by_rejections_do_not_hang() -> None:
    """A store that is well is asked on, however many of its calls rejections overtake."""
    store = Store(ttl=0.0, timeout=60.0)
    held = []
    for number in range(5):
        store.provider.answer = Secret(f"test-key-{number}", source="store")
        store.clock.advance(10)  # rejections long after each other
        old = store.resolver.resolve()
        store.provider.open.clear()
        store.provider.called.clear()
        threading.Thread(target=store.resolver.explain, daemon=True).start()
        store.provider.called.wait()
        held.append(store.provider.open)
        store.provider.open = threading.Event()
        store.provider.open.set()
        store.resolver.invalidate(old)
    key = store.key()
    for gate in held:
        gate.set()

    assert "test-key-4" == key


def test_a_hanging_call_is_counted_once() -> None:
    """However often the resolver is asked, it keeps no more than the calls that hang."""
    provider = ScriptedProvider(FIRST)
    provider.open.clear()
    clock = FakeClock()
    resolver = resolver_of({"store": provider}, {"provider": {"store": {"timeout": 0.002}}}, clock=clock)
    ticker = threading.Event()
    for _ in range(100):
        resolver.explain()
        clock.advance(10)
        ticker.wait(0.003)
    kept = len(resolver._setup._calls["store"])
    provider.open.set()

    assert 3 == kept


def test_a_caller_in_a_hurry_does_not_settle_the_chain() -> None:
    """A lower entry stands in for the caller whose time is over, and is not remembered for others."""
    store, low = ScriptedProvider(FIRST), ScriptedProvider(SECOND)
    store.open.clear()
    settings = {"deadline": 0.05, "continue_on": ["unavailable"], "provider": {"store": {"timeout": 60.0}}}
    resolver = resolver_of({"store": store, "low": low}, settings)
    until(lambda: resolver.explain().credential is not None)
    found = resolver.resolve().key, resolver.remembered()
    store.open.set()

    assert ("test-key-2", None) == found


@pytest.mark.parametrize("callers", [1, 32])
def test_a_change_of_the_winner_is_one_event(callers: int, caplog: pytest.LogCaptureFixture) -> None:
    """When a failed entry answers and wins again, that is told once, however many callers find it together."""
    caplog.set_level(logging.DEBUG, "lamini_creds")
    clock, eu, us = FakeClock(), ScriptedProvider(DOWN), ScriptedProvider(Secret("test-key-us", source="us"))
    resolver = resolver_of({"eu": eu, "us": us}, {"continue_on": ["unavailable"]}, clock=clock)
    resolver.resolve()
    eu.answer = Secret("test-key-eu", source="eu")
    clock.advance(11)
    resolver.resolve()
    until(lambda: not calls_under_way())
    at_once(callers, resolver.resolve)
    resolver.explain()

    assert ["winner changed: eu: eu: " + resolver.resolve().fingerprint] == [
        message for message in caplog.messages if message.startswith("winner")
    ]


def test_each_change_of_the_winner_is_told(caplog: pytest.LogCaptureFixture) -> None:
    """A key that moves to and fro between two places is told of each time."""
    caplog.set_level(logging.DEBUG, "lamini_creds")
    environ: dict[str, str] = {}
    resolver = resolver_of({"store": ScriptedProvider(FIRST)}, {"providers": ["env", "store"]}, environ=environ)
    for _ in range(2):
        resolver.resolve()
        environ["LAMINI_API_KEY"] = "test-key-env"
        resolver.resolve()
        del environ["LAMINI_API_KEY"]

    assert ["env", "store", "env"] == [
        vars(record)["lamini_creds_entry"] for record in caplog.records if record.getMessage().startswith("winner")
    ]


def test_a_walk_that_ends_during_a_rejection_has_not_found_the_key_again(caplog: pytest.LogCaptureFixture) -> None:
    """At whatever line of the rejection another caller's walk ends: what it found was found before."""
    store = Store()
    rejected = store.resolver.resolve()
    walk = store.resolver._walk(ExplicitProvider(), None, monotonic())
    assert [] == list(walk.steps())

    def trace(frame: FrameType, _event: str, _argument: object) -> TraceFunction | None:
        if frame.f_code is Chain.reject.__code__:
            walk.resolution(())
            return trace
        return None

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        store.resolver.invalidate(rejected)
    finally:
        sys.settrace(before)

    assert [] == caplog.messages
