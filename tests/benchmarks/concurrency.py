"""
Print what many callers at once cost the store and each other: cold herds, a refresh, an outage, an hour.

Run by `run.py`, in an environment with the peers. The store here is a function
that takes its time and counts. Outage and hour are told by a clock of their
own: minutes pass in moments, and the figures are counts.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from statistics import median, quantiles
from typing import TYPE_CHECKING, TypeVar

from lamini_creds import ProviderUnavailable, Secret
from lamini_creds.testing import FakeClock, ScriptedProvider, resolver_of

from .table import Goal, show

if TYPE_CHECKING:
    from lamini_creds import Context

T = TypeVar("T")
Fetch = Callable[[], str]
Work = Callable[[], Awaitable[object]]
HERD, TASKS, CALLERS, HOURS = 64, 1000, 8, 10
URL = "https://lamini.example.com"
PEERS = {
    "botocore": """
import datetime
from botocore.credentials import DeferredRefreshableCredentials
def make(fetch, life):
    def refresh():
        ends = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(seconds=life + 900)
        return {"access_key": fetch(), "secret_key": "test", "token": "test", "expiry_time": ends.isoformat()}
    held = DeferredRefreshableCredentials(refresh, "test")
    held._mandatory_refresh_timeout = held._advisory_refresh_timeout = 900
    return lambda: held.get_frozen_credentials().access_key
""",
    "google-auth": """
import datetime
from google.auth import _helpers
from google.auth.credentials import Credentials
class Held(Credentials):
    def refresh(self, request):
        self.token = self.fetch()
        self.expiry = _helpers.utcnow() + _helpers.REFRESH_THRESHOLD + datetime.timedelta(seconds=self.life)
def make(fetch, life):
    held = Held()
    held.fetch, held.life = fetch, life
    def get():
        held.before_request(None, "GET", "https://lamini.example.com", {})
        return held.token
    return get
""",
    "aws-secretsmanager-caching": """
from aws_secretsmanager_caching import SecretCache, SecretCacheConfig
def make(fetch, life):
    class Client:
        def describe_secret(self, **_):
            return {"VersionIdsToStages": {"1": ["AWSCURRENT"]}}
        def get_secret_value(self, **_):
            return {"SecretString": fetch(), "VersionId": "1", "VersionStages": ["AWSCURRENT"]}
    held = SecretCache(SecretCacheConfig(secret_refresh_interval=life), Client())
    return lambda: held.get_secret_string("lamini")
""",
    "aws-lambda-powertools": """
from aws_lambda_powertools.utilities.parameters.base import BaseProvider
def make(fetch, life):
    class Held(BaseProvider):
        def _get(self, name, **_):
            return fetch()
        def _get_multiple(self, path, **_):
            return {}
    held = Held()
    return lambda: held.get("lamini", max_age=life)
""",
}


class Slow:
    """A store that takes so many seconds; a provider too."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.calls = itertools.count(1)
        self.made = 0

    def __call__(self) -> str:
        self.made = next(self.calls)
        time.sleep(self.seconds)
        return f"test-key-{self.made}"

    def provide(self, _context: Context) -> Secret:
        return Secret(self(), url=URL)


def main() -> None:
    logging.disable()
    rounds = int(sys.argv[1]) // 4 if len(sys.argv) > 1 else 10
    herds(rounds)
    refreshes()
    stall(rounds)
    outage()
    hours()


def ours(store: Slow, life: float) -> Fetch:
    resolver = resolver_of({"store": store}, {"provider": {"store": {"ttl": float(life)}}})
    return lambda: resolver.resolve().key


def makers() -> dict[str, Callable[[Slow, float], Fetch]]:
    """Give, by name, what makes a getter over a store for answers of so many seconds."""
    made: dict[str, Callable[[Slow, float], Fetch]] = {"lamini_creds": ours}
    for name, setup in PEERS.items():
        namespace: dict[str, Callable[[Slow, float], Fetch]] = {}
        exec(setup, namespace)  # noqa: S102  # a program of our own
        made[name] = namespace["make"]
    return made


def herds(rounds: int) -> None:
    """Let 64 threads, then 1,000 tasks ask a cold cache over a store of 50 ms; the first round imports."""
    tasks = f"lamini_creds, {TASKS:,} tasks"
    calls: dict[str, float] = {}
    walls: dict[str, list[float]] = {}
    for _ in range(rounds + 1):
        for name, make in makers().items():
            store = Slow(0.05)
            ended = at_once(HERD, ending(make(store, 3600)))
            walls.setdefault(name, []).append(max(ended) / store.seconds)
            calls[name] = max(calls.get(name, 0), store.made)
        store = Slow(0.05)
        taken = asyncio.run(together(resolver_of({"store": store}).aresolve))
        walls.setdefault(tasks, []).append(taken / store.seconds)
        calls[tasks] = max(calls.get(tasks, 0), store.made)
    names = ("lamini_creds", tasks)
    show(f"a cold herd of {HERD} threads: calls to the store", calls, dict.fromkeys(names, Goal(1)))
    medians = {name: median(times[1:]) for name, times in walls.items()}
    show("the same: wall time, as a multiple of the store's 50 ms", medians, dict.fromkeys(names, Goal(1.15)))


def refreshes() -> None:
    """Let 8 threads ask on and on, across a refresh from a store of 200 ms; show how long a call took."""
    ninety_nine, most = {}, {}
    for name, make in makers().items():
        store = Slow(0.2)
        get = make(store, 3)
        get()
        seconds = sorted(itertools.chain(*at_once(CALLERS, lambda _, get=get: timed(get, 3.5))))  # type: ignore[misc]
        ninety_nine[name], most[name] = quantiles(seconds, n=100)[-1] * 1e3, seconds[-1] * 1e3
    show(
        f"{CALLERS} threads across a refresh of 200 ms: p99 of a call, in ms", ninety_nine, {"lamini_creds": Goal(0.1)}
    )
    show("the same: the longest call, in ms", most, {"lamini_creds": Goal(5)})


def stall(rounds: int) -> None:
    """Show the longest time that an event loop did not turn while 1,000 of its tasks resolved, cold and warm."""
    longest: dict[str, list[float]] = {"asyncio alone: a future each": [], "cold": [], "warm": []}
    for _ in range(rounds):
        resolver = resolver_of({"store": Slow(0.05)})
        works: tuple[Work, ...] = (waiting, resolver.aresolve, resolver.aresolve)
        for name, work in zip(longest, works, strict=True):
            longest[name].append(asyncio.run(longest_turn(work)) * 1e3)
    figures = {name: min(times) for name, times in longest.items()}  # what others on the machine add is not ours
    goals = {"cold": Goal(5), "warm": Goal(5)}
    show(f"an event loop with {TASKS:,} tasks: the longest stall of a quiet round, in ms", figures, goals)


def outage() -> None:
    """Tell ten minutes without a store, and its return, with a call every second."""
    clock, store = FakeClock(), ScriptedProvider(Secret("test-key-1", url=URL))
    resolver = resolver_of({"store": store}, clock=clock)
    resolver.resolve()
    store.answer, failed = ProviderUnavailable("is down"), 0
    clock.advance(240)
    for _ in range(600):
        failed += resolver.explain().credential is None
        settle()
        clock.advance(1)
    retries, seconds = store.calls - 2, 0
    store.answer = Secret("test-key-2", url=URL)
    while resolver.resolve().key == "test-key-1":
        settle()
        clock.advance(1)
        seconds += 1
    figures = {"retries": retries, "callers that failed": failed, "seconds until the new key is served": seconds}
    goals = {"retries": Goal(60), "callers that failed": Goal(0), "seconds until the new key is served": Goal(10)}
    show("ten minutes without a store", {name: float(figure) for name, figure in figures.items()}, goals)


def hours() -> None:
    """Tell ten hours of 16 threads, with a ttl of 300 s; and a rotation in the first."""
    clock, store = FakeClock(), ScriptedProvider(Secret("test-key-1", url=URL))
    resolver = resolver_of({"store": store}, clock=clock)
    rotated, seen = 1800, 0
    for second in range(HOURS * 3600):
        if second == rotated:
            store.answer = Secret("test-key-2", url=URL)
        keys = at_once(16, lambda _: resolver.resolve().key) if second % 100 == 0 else [resolver.resolve().key]
        settle()
        clock.advance(1)
        if not seen and "test-key-2" in keys:
            seen = second - rotated
    figures = {"calls an hour": store.calls / HOURS, "seconds until a rotation is seen": float(seen)}
    goals = {"calls an hour": Goal(1.2 * 3600 / 300), "seconds until a rotation is seen": Goal(300)}
    show(f"{HOURS} hours, with a ttl of 300 s", figures, goals)


def settle() -> None:
    """Wait for the calls in the background."""
    for thread in threading.enumerate():
        if thread.name == "lamini_creds":
            thread.join()


def elapsed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def timed(get: Fetch, seconds: float) -> list[float]:
    """Call for so many seconds, with a short rest between; give the time that each call took."""
    ends, taken = time.perf_counter() + seconds, []
    while time.perf_counter() < ends:
        taken.append(elapsed(get))
        time.sleep(0.001)
    return taken


def ending(get: Fetch) -> Callable[[float], float]:
    """Give the seconds from the common start until this caller has its answer."""

    def call(began: float) -> float:
        get()
        return time.perf_counter() - began

    return call


def at_once(number: int, call: Callable[[float], T]) -> list[T]:
    """Make a call in so many threads together, each told when they began; give what each got."""
    began: list[float] = []
    start = threading.Barrier(number, lambda: began.append(time.perf_counter()))
    got: list[T] = []

    def run() -> None:
        start.wait()
        got.append(call(began[0]))

    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return got


async def waiting() -> None:
    """Wait for a future, as a task does that resolves."""
    loop = asyncio.get_running_loop()
    woken = loop.create_future()
    loop.call_later(0.05, woken.set_result, None)
    await woken


async def together(work: Work) -> float:
    """Do the same in a thousand tasks; give the seconds that it took."""
    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(TASKS)))
    return time.perf_counter() - began


async def longest_turn(work: Work) -> float:
    """Turn the loop beside the tasks, and give the longest time between two turns."""
    working = asyncio.ensure_future(together(work))
    longest, last = 0.0, time.perf_counter()
    while not working.done():
        await asyncio.sleep(0.0001)
        now = time.perf_counter()
        longest, last = max(longest, now - last), now
    return longest


if __name__ == "__main__":
    main()
