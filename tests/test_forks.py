"""What a forked child gets, whatever the threads of its parent were doing."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from processes import Elsewhere, listening

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

BEGIN = """
import asyncio, os, signal, threading, time
from lamini_creds import Resolver, Secret
from lamini_creds.testing import FakeClock, ScriptedProvider, resolver_of

def children(number, look):
    '''Fork; each child prints what it sees, and is ended where it waits for ever.'''
    for _ in range(number):
        if not (child := os.fork()):
            signal.alarm(20)
            print(look(), flush=True)
            os._exit(0)
        assert 0 == os.waitpid(child, 0)[1], "the child was ended"

clock, store = FakeClock(), ScriptedProvider(Secret("test-key-1"))
resolver = resolver_of({"store": store}, clock=clock)
"""
# The parent's threads are asked to go on while the fork is under way: the last to register is the first to be called.
FORKING = """
forking = threading.Event()
os.register_at_fork(before=forking.set)
"""


def printed(code: str) -> list[str]:
    """Run a program to its end and give the words that it and its children printed."""
    ran = subprocess.run([sys.executable, "-c", BEGIN + code], capture_output=True, text=True, check=False, timeout=60)
    assert (0, "") == (ran.returncode, ran.stderr)
    return ran.stdout.split()


def test_a_warm_cache_is_inherited() -> None:
    """A child gives the answer that its parent had, without a call."""
    code = """
resolver.resolve()
children(1, lambda: f"{resolver.resolve().key} {store.calls}")
"""

    assert ["test-key-1", "1"] == printed(code)


def test_a_first_call_under_way() -> None:
    """A child does not wait for its parent's call, which no thread of its own will answer: it makes one."""
    code = """
store.open.clear()
threading.Thread(target=resolver.resolve, daemon=True).start()
store.called.wait()

def look():
    store.open.set()
    return f"{resolver.resolve().key} {store.calls}"

children(1, look)
"""

    assert ["test-key-1", "2"] == printed(code)


def test_a_refresh_under_way() -> None:
    """A child gives the old answer at once, and asks for the new one itself when the old one has ended."""
    code = """
resolver.resolve()
store.open.clear()
store.called.clear()
clock.advance(265)
resolver.resolve()
store.called.wait()

def look():
    store.answer = Secret("test-key-2")
    old = resolver.resolve().key
    store.open.set()
    clock.advance(300)
    return f"{old} {resolver.resolve().key}"

children(1, look)
"""

    assert ["test-key-1", "test-key-2"] == printed(code)


def test_an_outage() -> None:
    """A child of a parent whose store is down gives the stale answer, and sees the recovery."""
    code = """
import logging
from lamini_creds import ProviderUnavailable

logging.disable()
resolver.resolve()
store.answer = ProviderUnavailable("is down")
clock.advance(300)
resolver.resolve()

def look():
    old = resolver.resolve().key
    store.answer = Secret("test-key-2")
    clock.advance(11)
    while resolver.resolve().key == old:
        time.sleep(0.01)
    return f"{old} {resolver.resolve().key}"

children(1, look)
"""

    assert ["test-key-1", "test-key-2"] == printed(code)


def test_a_thread_in_the_middle_of_a_look() -> None:
    """A lock that a thread of the parent held is no lock of the child's."""
    code = """
class Stopping(FakeClock):
    '''Stops another thread where it reads the time, which is within the look.'''

    def time(self):
        if threading.current_thread() is other:
            stopped.set()
            threading.Event().wait()
        return super().time()

stopped = threading.Event()
resolver = resolver_of({"store": store}, {"provider": {"store": {"ttl": 0.0}}}, clock=Stopping())
other = threading.Thread(target=resolver.resolve, daemon=True)
other.start()
stopped.wait()
children(1, lambda: resolver.resolve().key)
"""

    assert ["test-key-1"] == printed(code)


def test_an_event_loop_that_waits() -> None:
    """A fork in a task, while others of its loop wait: the child resolves in a loop of its own."""
    code = """
async def main():
    store.open.clear()
    waiting = [asyncio.create_task(resolver.aresolve()) for _ in range(10)]
    while not store.calls:
        await asyncio.sleep(0)
    children(1, lambda: store.open.set() or asyncio.run(resolver.aresolve()).key)
    store.open.set()
    print(*{(await task).key for task in waiting})

asyncio.run(main())
"""

    assert ["test-key-1", "test-key-1"] == printed(code)


def test_the_configuration_being_read() -> None:
    """A fork waits for a thread that reads the configuration, and both know it afterwards."""
    code = f"""
{FORKING}

class Slow(dict):
    '''An environment that takes its time, until the fork comes and a little longer.'''

    def __iter__(self):
        reading.set()
        forking.wait()
        time.sleep(0.2)
        return super().__iter__()

reading = threading.Event()
resolver = Resolver(environ=Slow(LAMINI_API_KEY="test-key-env"))
other = threading.Thread(target=resolver.resolve)
other.start()
reading.wait()
children(1, lambda: resolver.resolve().key)
other.join()
print(resolver.resolve().key)
"""

    assert ["test-key-env", "test-key-env"] == printed(code)


@pytest.mark.parametrize(
    "begun", ["resolver.resolve", "lambda: asyncio.run(resolver.aresolve())"], ids=["sync", "async"]
)
def test_a_plugins_import_under_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begun: str) -> None:
    """A fork waits for a plugin's import: a child that inherited half of it could never have the plugin."""
    slow = """
import __main__, time
from lamini_creds import Secret, hookimpl

__main__.importing.set()
__main__.forking.wait()
time.sleep(0.2)

class Provider:
    def provide(self, context):
        return Secret("test-key-1")

@hookimpl
def lamini_creds_register_provider():
    return Provider
"""
    code = f"""
{FORKING}
importing = threading.Event()
resolver = Resolver({{"providers": ["acme"]}})
threading.Thread(target={begun}, daemon=True).start()
importing.wait()
children(1, lambda: resolver.resolve().key)
"""
    ran = Elsewhere(tmp_path, monkeypatch, slow).run("-c", BEGIN + code)

    assert ("test-key-1\n", "") == (ran.stdout, ran.stderr)


def test_a_fork_within_a_provider() -> None:
    """A provider that forks, in the thread of its call, does no harm in either process."""
    code = """
class Forking:
    def provide(self, context):
        children(1, lambda: "child")
        return Secret("test-key-1")

print(resolver_of({"store": Forking()}).resolve().key)
"""

    assert ["child", "test-key-1"] == printed(code)


def test_children_refresh_at_times_of_their_own() -> None:
    """Processes that were forked with one answer do not ask for the next one together."""
    code = """
for _ in range(2):
    resolver.resolve()
children(8, lambda: resolver.explain().attempts[-1].freshness.next_attempt)
children(1, lambda: resolver._chains[None].memory.memo)
"""
    *attempts, memo = printed(code)

    assert (8, "None") == (len(set(attempts)), memo)


WORKERS = """
import multiprocessing, sys
from lamini_creds import Resolver

resolver = Resolver({{"providers": ["acme"], "provider": {{"acme": {{"port": {port}}}}}}})

def work(answers):
    answers.put(resolver.resolve().fingerprint)

if __name__ == "__main__":
    own = resolver.resolve().fingerprint
    made = multiprocessing.get_context(sys.argv[1])
    answers = made.Queue()
    workers = [made.Process(target=work, args=(answers,)) for _ in range(3)]
    for worker in workers:
        worker.start()
    print({{answers.get(timeout=30) for _ in workers}} == {{own}})
    for worker in workers:
        worker.join(30)
"""


@pytest.mark.parametrize(("method", "calls"), [("fork", 1), ("spawn", 4), ("forkserver", 4)])
def test_multiprocessing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str, calls: int) -> None:
    """Each of three workers resolves; those that inherit the parent's answer call nobody, the others once each."""
    programs = Elsewhere(tmp_path, monkeypatch)
    with listening() as store:
        programs.write("workers.py", WORKERS.format(port=store.port))
        ran = programs.run("workers.py", method)

    assert ("True\n", "", calls) == (ran.stdout, ran.stderr, store.calls)
