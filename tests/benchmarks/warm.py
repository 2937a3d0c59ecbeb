"""
Print what a call costs in a process that has found the key before, beside what it can't do without, and the peers.

Run by `run.py`, in an environment with the peers. All calls are timed in turns
within one process, so that a busy machine slows them alike; the ratios are
those of medians.
"""

from __future__ import annotations

import os
import sys
import tempfile
import threading
import time
import timeit
import tracemalloc
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING

from lamini_creds import Resolver, Secret
from lamini_creds.testing import StaticProvider, resolver_of

from .cold import KEY, KEY_AND_URL, SETTINGS, SETTINGS_YAML, aws, home_with_yaml
from .table import Goal, show

if TYPE_CHECKING:
    from collections.abc import Callable

    Calls = dict[str, Callable[[], object]]

LOOPS = 1000
FLAT = ("LAMINI_API_KEY", "LAMINI_API_URL")
NAMES = (*FLAT, "LAMINI__PRODUCTION__KEY", "LAMINI__PRODUCTION__URL", "LAMINI_API_KEY_FILE", "LAMINI_API_URL_FILE")
FILES = (".lamini/configure.yaml", ".powerml/configure_llama.yaml")
PEERS = {
    "botocore, RefreshableCredentials": """
import datetime
from botocore.credentials import RefreshableCredentials
ends = (datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=1)).isoformat()
held = {"access_key": "test-key-1", "secret_key": "test", "token": "test", "expiry_time": ends}
call = RefreshableCredentials.create_from_metadata(held, lambda: held, "test").get_frozen_credentials
""",
    "google-auth, before_request": """
import datetime
from google.auth.credentials import Credentials
class Held(Credentials):
    def refresh(self, request):
        self.token, self.expiry = "test-key-1", datetime.datetime.utcnow() + datetime.timedelta(hours=1)
held = Held()
call = lambda: held.before_request(None, "GET", "https://lamini.example.com", {})
""",
    "azure-identity, get_token": """
import http.server, json, os, threading, time
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        token = {"access_token": "test-key-1", "expires_on": str(int(time.time()) + 86400), "token_type": "Bearer"}
        self.wfile.write(json.dumps(token).encode())
    def log_message(self, *_):
        pass
server = http.server.HTTPServer(("127.0.0.1", 0), Answer)
threading.Thread(target=server.serve_forever, daemon=True).start()
os.environ.update(IDENTITY_ENDPOINT=f"http://127.0.0.1:{server.server_port}", IDENTITY_HEADER="test")
from azure.identity import ManagedIdentityCredential
held = ManagedIdentityCredential()
call = lambda: held.get_token("https://vault.azure.net/.default").token
""",
    "aws-secretsmanager-caching": """
import boto3
from aws_secretsmanager_caching import SecretCache
held = SecretCache(client=boto3.client("secretsmanager"))
call = lambda: held.get_secret_string("lamini")
""",
    "aws-lambda-powertools": """
from aws_lambda_powertools.utilities import parameters
call = lambda: parameters.get_secret("lamini", max_age=3600)
""",
    "keyring, file": """
from keyrings.alt.file import PlaintextKeyring
held = PlaintextKeyring()
held.set_password("lamini", "key", "test-key-1")
call = lambda: held.get_password("lamini", "key")
""",
    "dynaconf": """
from dynaconf import Dynaconf
held = Dynaconf(envvar_prefix="LAMINI")
call = lambda: held.API_KEY
""",
    "pydantic-settings, env": SETTINGS + "call = Settings\n",
    "pydantic-settings, env and YAML": SETTINGS_YAML + "call = Settings\n",
}


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    with tempfile.TemporaryDirectory() as folder, aws() as login:
        home, empty = home_with_yaml(Path(folder).resolve())
        time.sleep(2.5)  # a file that has just changed is read again at each call
        os.chdir(empty)
        for name in [name for name in os.environ if name.startswith(("LAMINI", "LLAMA"))]:
            del os.environ[name]
        os.environ.update(login, HOME=str(home))
        local(home, empty, rounds)
        remote(home, empty, rounds)
        peers(rounds)
        threads(rounds)
        allocation()


def local(home: Path, empty: Path, rounds: int) -> None:
    """Compare local places with the looks that none of them can do without."""
    cases = {
        "env, key and URL": (empty, KEY_AND_URL, FLAT, ()),
        "env, key alone": (empty, KEY, NAMES, FILES),
        "yaml": (home, {}, NAMES, FILES[:1]),
    }
    measured: dict[str, float] = {}
    for name, (folder, environ, names, files) in cases.items():
        os.environ.update(environ)
        paths = tuple(str(folder / file) for file in files)
        calls: Calls = {f"{name}: the looks alone": looks(names, paths), name: Resolver({}, home=folder).resolve}
        measured |= in_turns(calls, rounds)
        for variable in environ:
            del os.environ[variable]
    limits = {"env, key and URL": 2.0, "env, key alone": 1.5, "yaml": 1.5}
    goals = {name: Goal(limit, f"{name}: the looks alone") for name, limit in limits.items()}
    show("warm, local: one call, in ns", measured, goals)


def remote(home: Path, empty: Path, rounds: int) -> None:
    """Compare a store's cached answer with what a careful program would write itself."""
    held = StaticProvider(Secret("test-key-1", url="https://lamini.example.com"))
    alone = resolver_of({"store": held})
    chain = resolver_of(
        {"store": held}, {"providers": ["env", "file", "yaml", "store"]}, environ=os.environ, home=empty
    )
    calls: Calls = {
        "a lock, a dict and a TTL, by hand": locked(),
        "remote, alone in the chain": alone.resolve,
        "default chain: the looks alone": looks(NAMES, tuple(str(empty / file) for file in FILES)),
        "remote, at the end of the default chain": chain.resolve,
    }
    goals = {
        "remote, alone in the chain": Goal(250),
        "remote, at the end of the default chain": Goal(1.5, "default chain: the looks alone"),
    }
    show("warm, remote: one call, in ns", in_turns(calls, rounds), goals)


def peers(rounds: int) -> None:
    """Time what a user would pick instead."""
    os.environ.update(KEY_AND_URL)
    calls: Calls = {}
    for name, setup in PEERS.items():
        namespace: dict[str, Callable[[], object]] = {}
        exec(setup, namespace)  # noqa: S102  # a program of our own, as those of `cold`
        calls[name] = namespace["call"]
    show("warm, peers: one call, in ns", in_turns(calls, max(3, rounds // 4), loops=100), {})
    for variable in KEY_AND_URL:
        del os.environ[variable]


def threads(rounds: int) -> None:
    """Compare the calls of eight threads with those of one."""
    resolver = resolver_of({"store": StaticProvider(Secret("test-key-1", url="https://lamini.example.com"))})
    calls: Calls = {"lamini_creds": resolver.resolve, "a lock, a dict and a TTL, by hand": locked()}
    for name in ("botocore, RefreshableCredentials", "aws-secretsmanager-caching", "aws-lambda-powertools"):
        namespace: dict[str, Callable[[], object]] = {}
        exec(PEERS[name], namespace)  # noqa: S102  # as in `peers`
        calls[name] = namespace["call"]
    figures: dict[str, float] = {}
    goals: dict[str, Goal] = {}
    for name, call in calls.items():
        call()
        made: tuple[list[float], list[float]] = ([], [])
        for _ in range(rounds):
            for number, measured in zip((1, 8), made, strict=True):
                measured.append(throughput(number, call))
        one, eight = f"{name}: one thread", f"{name}: eight"
        figures |= {one: median(made[0]), eight: median(made[1])}
        goals[eight] = Goal(0.75, one, least=True)
    show("remote, calls in a millisecond", figures, goals)


def throughput(number: int, call: Callable[[], object]) -> float:
    """Give the calls in a millisecond that so many threads make together."""
    start = threading.Barrier(number + 1)

    def run() -> None:
        start.wait()
        for _ in range(4 * LOOPS // number):
            call()

    workers = [threading.Thread(target=run) for _ in range(number)]
    for worker in workers:
        worker.start()
    start.wait()
    began = perf_counter()
    for worker in workers:
        worker.join()
    return 4 * LOOPS / (perf_counter() - began) / 1e3


def allocation() -> None:
    """Count what a hundred thousand calls leave."""
    resolver = resolver_of({"store": StaticProvider(Secret("test-key-1", url="https://lamini.example.com"))})
    for _ in range(3):
        resolver.resolve()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(100 * LOOPS):
        resolver.resolve()
    left = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    show("allocation", {"bytes left by 100,000 calls": float(left)}, {"bytes left by 100,000 calls": Goal(1000)})


def looks(names: tuple[str, ...], paths: tuple[str, ...]) -> Callable[[], None]:
    """Do what has to be done at least: get the variables and the files' state."""

    def look() -> None:
        for name in names:
            os.getenv(name)
        for path in paths:
            try:  # noqa: SIM105  # `suppress` would be half of what is measured
                os.stat(path)
            except OSError:
                pass

    return look


def locked() -> Callable[[], str]:
    """Keep an answer as a careful program would."""
    from time import monotonic

    lock, kept = threading.Lock(), {"production": ("test-key-1", monotonic() + 3600)}

    def get() -> str:
        with lock:
            key, ends = kept["production"]
            if monotonic() < ends:
                return key
        raise TimeoutError

    return get


def in_turns(calls: Calls, rounds: int, loops: int = LOOPS) -> dict[str, float]:
    """Time the calls one after the other, round by round; give the nanoseconds of each."""
    measured: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _ in range(rounds):
        for name, call in calls.items():
            measured[name].append(timeit.timeit(call, number=loops) / loops * 1e9)
    return {name: median(times) for name, times in measured.items()}


if __name__ == "__main__":
    main()
