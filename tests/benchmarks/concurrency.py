"""
Print what many callers at once cost the store and each other: cold herds, rejections, a refresh, a loop's stalls.

Run by `run.py`, in an environment with the peers. The store here is a function
that takes its time and counts.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from statistics import median, quantiles
from typing import TYPE_CHECKING, TypeVar

from lamini_creds import ProviderUnavailable, Secret
from lamini_creds.testing import FakeClock, resolver_of

from .table import Goal, show

if TYPE_CHECKING:
    from lamini_creds import Context

T = TypeVar("T")
Fetch = Callable[[], str]
Work = Callable[[], Awaitable[object]]
HERD, TASKS, CALLERS = 64, 1000, 8
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
import itertools
from aws_secretsmanager_caching import SecretCache, SecretCacheConfig
def make(fetch, life):
    class Client:
        versions = itertools.count(1)
        def describe_secret(self, **_):
            self.text = fetch()
            return {"VersionIdsToStages": {str(next(self.versions)): ["AWSCURRENT"]}}
        def get_secret_value(self, VersionId, **_):
            return {"SecretString": self.text, "VersionId": VersionId, "VersionStages": ["AWSCURRENT"]}
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
    "azure-identity": """
import http.server, json, os, threading, time
def make(fetch, life):
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            ends = str(int(time.time() + life + 300))
            body = json.dumps({"access_token": fetch(), "expires_on": ends, "token_type": "Bearer"}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        def log_message(self, *_):
            pass
    class Server(http.server.ThreadingHTTPServer):
        request_queue_size, daemon_threads = 128, True
    server = Server(("127.0.0.1", 0), Answer)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    os.environ.update(IDENTITY_ENDPOINT=f"http://127.0.0.1:{server.server_port}", IDENTITY_HEADER="test")
    from azure.identity import ManagedIdentityCredential
    held = ManagedIdentityCredential()
    return lambda: held.get_token("https://vault.azure.net/.default").token
""",
}


class Slow:
    """A store that takes so many seconds, and fails where it is down; a provider too."""

    def __init__(self, seconds: float, *, down: bool = False) -> None:
        self.seconds, self.down = seconds, down
        self.calls = itertools.count(1)
        self.made = 0
        self.busy = (0.0, 0.0)

    def __call__(self) -> str:
        self.made, began = next(self.calls), time.perf_counter()
        time.sleep(self.seconds)
        self.busy = began, time.perf_counter()
        if self.down:
            raise ConnectionError
        return f"test-key-{self.made}"

    def provide(self, _context: Context) -> Secret:
        with suppress(ConnectionError):
            return Secret(self(), url=URL)
        raise ProviderUnavailable("is down")


def main() -> None:
    logging.disable()
    rounds = int(sys.argv[1]) // 4 if len(sys.argv) > 1 else 10
    herds(rounds)
    failing_herds()
    rejections()
    refreshes()
    hanging()
    stall(rounds)


def ours(store: Slow, life: float, clock: FakeClock | None = None) -> Fetch:
    resolver = resolver_of({"store": store}, {"provider": {"store": {"ttl": float(life)}}}, clock=clock)
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


def failing_herds() -> None:
    """Let 64 threads ask a cold cache over a store of 50 ms that is down; azure-identity alone tries again itself."""
    calls: dict[str, float] = {}
    for name, make in makers().items():
        if name != "azure-identity":
            store = Slow(0.05, down=True)
            at_once(HERD, failing(make(store, 3600)))
            calls[name] = store.made
    show(f"a cold herd of {HERD} threads, the store is down: calls to it", calls, {"lamini_creds": Goal(1)})


def rejections() -> None:
    """Let 100 threads say that a server rejects their key, and ask for another."""
    store = Slow(0.05)
    resolver = resolver_of({"store": store})
    rejected = resolver.resolve()

    def reject(_began: float) -> str:
        resolver.invalidate(rejected)
        return resolver.resolve().key

    keys = at_once(100, reject)
    figures = {
        "calls to the store": store.made - 1.0,
        "keys that are not the new one": 100.0 - keys.count("test-key-2"),
    }
    goals = {"calls to the store": Goal(1), "keys that are not the new one": Goal(0)}
    show("100 threads whose key is rejected", figures, goals)


def refreshes() -> None:
    """Let 8 threads ask on and on, across a refresh from a store of 200 ms; show what a call took meanwhile."""
    ninety_nine, most = {}, {}
    for name, make in makers().items():
        store = Slow(0.2)
        get = make(store, 3)
        get()
        seconds = during(store, at_once(CALLERS, lambda _, get=get: timed(get, 3.5)))  # type: ignore[misc]
        ninety_nine[name], most[name] = quantiles(seconds, n=100)[-1] * 1e3, seconds[-1] * 1e3
    show(
        f"{CALLERS} threads during a refresh of 200 ms: p99 of a call, in ms", ninety_nine, {"lamini_creds": Goal(0.1)}
    )
    show("the same: the longest call, in ms", most, {"lamini_creds": Goal(5)})


def hanging() -> None:
    """Let 8 threads ask on and on, past the life of an answer whose store hangs from then on."""
    store = Slow(0)
    resolver = resolver_of({"store": store}, {"provider": {"store": {"ttl": 2.0, "timeout": 0.2}}})
    resolver.resolve()
    store.seconds = 3
    seconds = sorted(taken for _, taken in itertools.chain(*at_once(CALLERS, lambda _: timed(resolver.resolve, 3.5))))
    figures = {"p99": quantiles(seconds, n=100)[-1] * 1e3, "the longest": seconds[-1] * 1e3}
    show(f"{CALLERS} threads, the store hangs: a call, in ms", figures, {"p99": Goal(0.1), "the longest": Goal(5)})


def stall(rounds: int) -> None:
    """Show the longest time that an event loop did not turn while 1,000 of its tasks resolved."""
    names = "asyncio alone: nothing", "asyncio alone: a future each", "cold", "warm", "refreshing"
    longest: dict[str, list[float]] = {name: [] for name in names}
    for _ in range(rounds):
        clock = FakeClock()
        resolver = resolver_of({"store": Slow(0.05)}, clock=clock)
        works: tuple[Work, ...] = (nothing, waiting, resolver.aresolve, resolver.aresolve, resolver.aresolve)
        for name, work in zip(longest, works, strict=True):
            clock.advance(270 if name == "refreshing" else 0)
            longest[name].append(asyncio.run(longest_turn(work)) * 1e3)
    figures = {name: median(times) for name, times in longest.items()}
    goals = dict.fromkeys(("cold", "warm", "refreshing"), Goal(5))
    show(f"an event loop with {TASKS:,} tasks: the longest stall, in ms", figures, goals)


def elapsed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def timed(get: Callable[[], object], seconds: float) -> list[tuple[float, float]]:
    """Call for so many seconds, with a short rest between; give when each call began and the time that it took."""
    ends, taken = time.perf_counter() + seconds, []
    while (began := time.perf_counter()) < ends:
        taken.append((began, elapsed(get)))
        time.sleep(0.001)
    return taken


def during(store: Slow, calls: list[list[tuple[float, float]]]) -> list[float]:
    """Give the times of those calls that fall into the store's last one, the shortest first."""
    began, ended = store.busy
    return sorted(taken for at, taken in itertools.chain(*calls) if began <= at + taken and at <= ended)


def ending(get: Fetch) -> Callable[[float], float]:
    """Give the seconds from the common start until this caller has its answer."""

    def call(began: float) -> float:
        get()
        return time.perf_counter() - began

    return call


def failing(get: Fetch) -> Callable[[float], None]:
    def call(_began: float) -> None:
        with suppress(Exception):
            get()

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


async def nothing() -> None:
    """End at once, as a task does that gets what is known."""


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
