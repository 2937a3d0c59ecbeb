"""Servers whose workers are forked, and workers whose threads are greenlets: how often the store is called."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from processes import Elsewhere, Store, listening, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

WEB = """
import os
from lamini_creds import Resolver

resolver = Resolver({{"providers": ["acme"], "provider": {{"acme": {{"port": {port}}}}}}})
{warm}

def application(environ, start_response):
    text = "alive" if environ["PATH_INFO"] == "/alive" else f"{{os.getpid()}} {{resolver.resolve().key}}"
    start_response("200 OK", [("Content-Length", str(len(text)))])
    return [text.encode()]
"""
WARM = "resolver.resolve()"


@contextmanager
def gunicorn(programs: Elsewhere, store: Store, *options: str, warm: str = "") -> Iterator[int]:
    """Serve the application on a port of its own; give the port."""
    programs.write("web.py", WEB.format(port=store.port, warm=warm))
    with socket.create_server(("127.0.0.1", 0)) as server:
        bound = f"--bind=fd://{server.fileno()}"
        with programs.running("-m", "gunicorn", bound, *options, "web:application", listening=server.fileno()):
            yield server.getsockname()[1]


def get(port: int, path: str = "/") -> str:
    """Ask the application, over a connection of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path)
        return connection.getresponse().read().decode()
    finally:
        connection.close()


@pytest.mark.parametrize(("warm", "calls"), [(WARM, 1), ("", 2)], ids=["resolved before the fork", "not yet resolved"])
def test_gunicorn_with_preload(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warm: str, calls: int) -> None:
    """Two workers of one loaded application share what it had found; else each asks the store once."""
    programs = Elsewhere(tmp_path, monkeypatch)
    keys: dict[str, str] = {}
    with listening() as store, gunicorn(programs, store, "--preload", "--workers=2", warm=warm) as port:

        def both_have_answered() -> bool:
            worker, key = get(port).split()
            keys[worker] = key
            return len(keys) == 2

        until(both_have_answered)

    assert ({"test-key-1"}, calls) == ({*keys.values()}, store.calls)


@pytest.mark.parametrize("preload", [[], ["--preload"]], ids=["loaded in the worker", "loaded before greenlets"])
def test_gunicorns_gevent_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, preload: list[str]) -> None:
    """Sixteen requests wait in greenlets for one call, and meanwhile the worker answers others."""
    programs, options = Elsewhere(tmp_path, monkeypatch), ["--worker-class=gevent", "--workers=1", *preload]
    loaded = "import lamini_creds._remote"
    with (
        listening() as store,
        gunicorn(programs, store, *options, warm=loaded) as port,
        ThreadPoolExecutor(16) as clients,
    ):
        store.open.clear()
        waiting = [clients.submit(get, port) for _ in range(16)]
        until(lambda: store.calls > 0)
        meanwhile = get(port, "/alive")
        store.open.set()
        answers = {each.result().split()[1] for each in waiting}

    assert ("alive", {"test-key-1"}, 1) == (meanwhile, answers, store.calls)


CELERY = """
import os, pathlib, sys, time
from celery import Celery
from lamini_creds import Resolver

here = pathlib.Path(__file__).parent
resolver = Resolver({{"providers": ["acme"], "provider": {{"acme": {{"port": {port}}}}}}})
if __name__ != "__main__":
    {warm}
app = Celery("tasks", broker="filesystem://")
app.conf.broker_transport_options = {{"data_folder_in": str(here), "data_folder_out": str(here), "control_folder": str(here)}}
app.conf.worker_prefetch_multiplier = 1

@app.task
def use():
    '''Leave a note with this process's number, and stay until the other has left one.'''
    (here / f"{{os.getpid()}}.note").write_text(resolver.resolve().key)
    for _ in range(1000):
        if len([*here.glob("*.note")]) == 2:
            break
        time.sleep(0.02)

if __name__ == "__main__":
    for _ in range(4):
        use.delay()
"""


@pytest.mark.parametrize(("warm", "calls"), [(WARM, 1), ("", 2)], ids=["resolved before the fork", "not yet resolved"])
def test_celerys_prefork_pool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, warm: str, calls: int) -> None:
    """Two processes of a pool share what their worker had found; else each asks the store once."""
    programs = Elsewhere(tmp_path, monkeypatch)
    with listening() as store:
        programs.write("tasks.py", CELERY.format(port=store.port, warm=warm or "pass"))
        sent = programs.run("-m", "tasks")
        assert (0, "") == (sent.returncode, sent.stderr)
        options = ["--pool=prefork", "--concurrency=2", "--without-gossip", "--without-mingle", "--without-heartbeat"]
        with programs.running("-m", "celery", "--app=tasks", "worker", *options):
            until(lambda: len([*tmp_path.glob("*.note")]) == 2)

    assert ({"test-key-1"}, calls) == ({note.read_text() for note in tmp_path.glob("*.note")}, store.calls)


GREENLETS = {
    "gevent": ("from gevent import monkey; monkey.patch_all()", "import gevent as green", "green.joinall(waiting)"),
    "eventlet": (
        "import eventlet; eventlet.monkey_patch()",
        "import eventlet as green",
        "[each.wait() for each in waiting]",
    ),
}
HERD = """
{before}
from lamini_creds import CredentialError, ProviderUnavailable, Secret
from lamini_creds.testing import FakeClock, StaticProvider, resolver_of
import logging, time
logging.disable()

class Store:
    calls = 0

    def provide(self, context):
        self.calls += 1
        while self.closed:
            time.sleep(0.001)
        return Secret("test-key-1")

store, clock = Store(), FakeClock()
resolver = resolver_of({{"store": store}}, clock=clock)
warm = resolver_of({{"store": StaticProvider(Secret("test-key-warm"))}}, clock=clock)
warm.resolve()
{after}
{green}

store.closed, turns = True, 0

def turn():
    '''Another greenlet, which runs while the herd waits, and opens the store in the end.'''
    global turns
    while turns < 20:
        turns += 1
        green.sleep(0)
    store.closed = False

waiting = [green.spawn(resolver.resolve) for _ in range(64)]
green.spawn(turn)
{join}
print(resolver.resolve().key, store.calls, turns)

store.closed = True
clock.advance(270)
print(resolver.resolve().key, warm.resolve().key)
green.sleep(0.01)
print(store.calls)

hurried = resolver_of({{"store": store}}, {{"provider": {{"store": {{"timeout": 0.1}}}}}})
try:
    hurried.resolve()
except ProviderUnavailable:
    print("unavailable")
"""


@pytest.mark.parametrize("patched", ["before", "after"])
@pytest.mark.parametrize("library", GREENLETS)
def test_greenlets(library: str, patched: str) -> None:
    """A herd of greenlets makes one call, others run meanwhile; nobody waits for a refresh, and time-outs hold."""
    patch, green, join = GREENLETS[library]
    code = HERD.format(green=green, join=join, **{"before": "", "after": "", patched: patch})
    ran = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    shown = "test-key-1 1 20\ntest-key-1 test-key-warm\n2\nunavailable\n"

    assert (0, shown) == (ran.returncode, ran.stdout), ran.stderr
