"""Clocks that jump and machines that sleep, seen through a resolver: no key is given past its end."""

from __future__ import annotations

import random
import threading

import pytest

from lamini_creds import CredentialError, ProviderDenied, ProviderInvalid, ProviderUnavailable, Resolver, Secret
from lamini_creds.testing import FakeClock, ScriptedProvider, resolver_of

DOWN = ProviderUnavailable("is down")
REFUSALS = {"denied": ProviderDenied("no"), "invalid": ProviderInvalid("is malformed"), "miss": None}


class Store:
    """A store whose keys end after 100 s, with a resolver and the clock of both."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.provider = ScriptedProvider()
        self.resolver: Resolver = resolver_of({"store": self.provider}, clock=self.clock)
        self.rotate("test-key-1")

    def rotate(self, key: str, life: float = 100) -> None:
        self.provider.answer = Secret(key, expires_at=self.clock.time() + life)

    def settle(self) -> None:
        """Wait for the calls in the background."""
        for thread in threading.enumerate():
            if thread.name == "lamini_creds":
                thread.join()

    def key(self) -> str:
        """Resolve twice, so that what is remembered of a walk counts too."""
        self.resolver.resolve()
        return self.resolver.resolve().key


@pytest.mark.parametrize("seconds", [100, 3600, 86400 * 365], ids=["at its end", "later", "a year later"])
def test_a_clock_set_forward(seconds: float) -> None:
    """A wall clock past the key's end is the end of it, whatever the monotonic one says: so with a machine that slept."""
    store = Store()
    first = store.key()
    store.clock.jump(seconds)
    store.rotate("test-key-2")

    assert ("test-key-1", "test-key-2") == (first, store.key())


def test_a_clock_set_forward_while_the_store_is_down() -> None:
    """The old key does not stand in past its end: the caller gets an error."""
    store = Store()
    store.key()
    store.provider.answer = DOWN
    store.clock.jump(101)

    with pytest.raises(ProviderUnavailable):
        store.key()


def test_a_clock_set_back() -> None:
    """A wall clock that was set back does not prolong the key: its seconds are counted by the other one."""
    store = Store()
    store.key()
    store.clock.jump(-3600)
    store.clock.advance(100)
    store.rotate("test-key-2")

    assert "test-key-2" == store.key()


def test_a_clock_set_back_while_the_store_is_down() -> None:
    """Nor does it prolong the time that the key stands in."""
    store = Store()
    store.key()
    store.provider.answer = DOWN
    store.clock.jump(-3600)
    store.clock.advance(101)

    with pytest.raises(ProviderUnavailable):
        store.key()


def test_a_clock_set_back_and_forth() -> None:
    """A key outlives jumps that cancel each other, and is not asked for again."""
    store = Store()
    store.key()
    for seconds in (-5, 5, -3000, 3000):
        store.clock.jump(seconds)
        store.key()

    assert 1 == store.provider.calls


def test_a_stale_key_ends_with_max_stale_by_either_clock() -> None:
    """A key without an end stands in for `max_stale`, of which a machine may sleep a part."""
    store = Store()
    store.provider.answer = Secret("test-key-1")
    store.key()
    store.provider.answer = DOWN
    store.clock.advance(300)
    stale = store.key()
    store.clock.jump(86400)

    with pytest.raises(ProviderUnavailable):
        store.key()
    assert "test-key-1" == stale


def test_an_expired_key_is_not_taken_in() -> None:
    """A key that has ended by the resolver's clock is INVALID when it arrives."""
    store = Store()
    store.rotate("test-key-1", life=0)

    with pytest.raises(CredentialError, match="the key has expired"):
        store.key()


@pytest.mark.parametrize("refusal", REFUSALS.values(), ids=REFUSALS)
def test_a_refusal_stands_when_the_clock_is_set_back(refusal: CredentialError | None) -> None:
    """A key that the store refused while the clock was ahead does not come back with the clock."""
    store = Store()
    store.key()
    store.clock.jump(3600)
    store.provider.answer = refusal
    with pytest.raises(CredentialError):
        store.key()
    store.clock.jump(-3600)

    with pytest.raises(CredentialError):
        store.key()


@pytest.mark.parametrize("seed", range(20))
def test_clocks_that_do_as_they_like(seed: int) -> None:
    """Whatever clocks and store do, a key is given before its end by both clocks and before a refusal, or an error is."""
    chance = random.Random(seed)  # noqa: S311  # a story that can be told again
    store = Store()
    ends: dict[str, tuple[float, float]] = {}
    late, given = [], 0
    for step in range(300):
        calls = store.provider.calls
        if chance.random() < 0.3:
            store.provider.answer = DOWN
        elif chance.random() < 0.2:
            store.provider.answer = chance.choice([*REFUSALS.values()])
        else:
            life = chance.choice([1, 30, 100, 1000])
            store.rotate(f"test-key-{step}", life)
            ends[f"test-key-{step}"] = store.clock.monotonic() + life, store.clock.time() + life
        try:
            key = store.resolver.resolve().key
        except CredentialError:
            pass
        else:
            given += 1
            if not (store.clock.monotonic() < ends[key][0] and store.clock.time() < ends[key][1]):
                late.append(step)
        store.settle()
        if store.provider.calls > calls and store.provider.answer in REFUSALS.values():
            ends.update(dict.fromkeys(ends, (0.0, 0.0)))
        store.clock.advance(chance.choice([0, 0.125, 1, 10, 100]))
        store.clock.jump(chance.choice([0, 0, 0, -50, 50, 3600, -3600]))

    assert (True, []) == (given > 20, late)


def test_time_passes_for_calls_under_way() -> None:
    """What a call brings counts from its arrival, also where the clock was set while it was under way."""
    store = Store()
    store.provider.open.clear()
    got: list[str] = []
    waiting = threading.Thread(target=lambda: got.append(store.resolver.explain().attempts[-1].reason))
    waiting.start()
    store.provider.called.wait()
    store.clock.jump(200)
    store.provider.open.set()
    waiting.join()

    assert ["the key has expired"] == got
