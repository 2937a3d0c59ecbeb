"""What `aresolve` leaves alone: the loop that it runs in, its executor, and other loops."""

from __future__ import annotations

import asyncio
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from processes import until
from support import install

from lamini_creds import ProviderUnavailable, Resolver, Secret
from lamini_creds.testing import FakeClock, ScriptedProvider, resolver_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SLOW = """
import threading
from lamini_creds import Secret, hookimpl

go = threading.Event()
assert go.wait(10), "nobody else was let run"

class Provider:
    def provide(self, context):
        return Secret("test-key-acme")

@hookimpl
def lamini_creds_register_provider():
    return Provider

@hookimpl
def lamini_creds_observe(event):
    pass
"""
KEY = {"LAMINI_API_KEY": "test-key-env"}


class SlowPlugin:
    """A plugin whose import takes until it is told to go on."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self._module = install(root, monkeypatch, SLOW)

    @property
    def importing(self) -> bool:
        return hasattr(sys.modules.get(self._module), "go")

    def go(self) -> None:
        until(lambda: self.importing)
        sys.modules[self._module].go.set()


@pytest.fixture
def slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SlowPlugin:
    return SlowPlugin(tmp_path, monkeypatch)


@contextmanager
def in_a_thread(resolver: Resolver) -> Iterator[None]:
    """Resolve in another thread, until the end of the block or later."""
    thread = threading.Thread(target=resolver.resolve)
    thread.start()
    yield
    thread.join()


@pytest.mark.parametrize("settings", [{"providers": ["acme"]}, {"observers": ["acme"]}], ids=["provider", "observer"])
def test_a_loop_turns_while_a_plugin_is_imported(slow: SlowPlugin, settings: dict[str, object]) -> None:
    """While a slow plugin of its own is imported, the loop's other tasks resolve."""

    async def main() -> tuple[bool, str, bool]:
        waiting = asyncio.create_task(Resolver(settings, environ=KEY).aresolve())
        while not slow.importing:
            await asyncio.sleep(0)
        other = await Resolver(environ=KEY).aresolve()
        waits = not waiting.done()
        slow.go()
        return waits, other.key, (await waiting).key.startswith("test-key")

    assert (True, "test-key-env", True) == asyncio.run(main())


def test_a_thread_that_imports_a_plugin_holds_no_loop_up(slow: SlowPlugin) -> None:
    """While another thread imports a slow plugin, a loop resolves for the first time."""
    with in_a_thread(Resolver({"providers": ["acme"]}, environ={})):
        until(lambda: slow.importing)
        found = asyncio.run(Resolver(environ=KEY).aresolve())
        slow.go()

    assert "test-key-env" == found.key


def test_the_default_executor_is_never_made(slow: SlowPlugin) -> None:
    """Not for a plugin's import, nor an observer's, a first call, a refresh or a call that takes too long."""

    async def main() -> object:
        clock, store = FakeClock(), ScriptedProvider(Secret("test-key"))
        resolver = resolver_of({"store": store}, {"provider": {"store": {"timeout": 0.05}}}, clock=clock)
        await resolver.aresolve()
        clock.advance(290)
        await resolver.aresolve()
        store.open.clear()
        clock.advance(600)
        await resolver.aresolve()
        threading.Thread(target=slow.go).start()
        await Resolver({"providers": ["acme"], "observers": ["acme"]}, environ={}).aresolve()
        store.open.set()
        return getattr(asyncio.get_running_loop(), "_default_executor", "no such attribute")

    assert asyncio.run(main()) is None


@pytest.mark.parametrize("refresh", [False, True], ids=["first call", "refresh"])
def test_a_loop_that_ends_during_a_call(refresh: bool) -> None:
    """What was asked for in a loop that ended, its tasks cancelled, is there for the next loop."""
    clock, store = FakeClock(), ScriptedProvider(Secret("test-key-1"))
    resolver = resolver_of({"store": store}, clock=clock)
    if refresh:
        resolver.resolve()
        clock.advance(290)
    store.called.clear()
    store.open.clear()

    async def begin() -> None:
        tasks = [asyncio.create_task(resolver.aresolve()) for _ in range(10)]
        while not store.called.is_set():
            await asyncio.sleep(0)
        assert refresh == all(task.done() for task in tasks)

    asyncio.run(begin())
    store.open.set()
    found = asyncio.run(resolver.aresolve())

    assert ("test-key-1", 1 + refresh) == (found.key, store.calls)


def test_a_loop_that_is_closed_over_its_tasks() -> None:
    """A loop that is closed without a word to its tasks does no harm to others who wait for the same call."""
    store = ScriptedProvider(Secret("test-key-1"))
    store.open.clear()
    resolver = resolver_of({"store": store})
    loop = asyncio.new_event_loop()
    task = loop.create_task(resolver.aresolve())
    loop.run_until_complete(asyncio.sleep(0))
    until(store.called.is_set)
    got: list[str] = []
    waiting = threading.Thread(target=lambda: got.append(resolver.resolve().key))
    waiting.start()
    loop.close()
    store.open.set()
    waiting.join()
    task._log_destroy_pending = False  # type: ignore[attr-defined]  # it was left behind on purpose

    assert (["test-key-1"], 1) == (got, store.calls)


def test_a_task_that_is_given_less_time() -> None:
    """A task that gives up by itself leaves the call to the others, in its loop and elsewhere."""
    store = ScriptedProvider(Secret("test-key-1"))
    store.open.clear()
    resolver = resolver_of({"store": store})

    async def main() -> tuple[int, set[str]]:
        patient = [asyncio.create_task(resolver.aresolve()) for _ in range(5)]
        hurried = [asyncio.create_task(asyncio.wait_for(resolver.aresolve(), 0.01)) for _ in range(5)]
        given_up = await asyncio.gather(*hurried, return_exceptions=True)
        store.open.set()
        return sum(isinstance(each, TimeoutError) for each in given_up), {(await task).key for task in patient}

    assert (5, {"test-key-1"}, 1) == (*asyncio.run(main()), store.calls)


def test_tasks_that_come_during_a_walk_take_a_step_each() -> None:
    """A thousand tasks that come while one is walking wait beside it, with few steps of Python each."""
    store = ScriptedProvider(Secret("test-key-1"))
    store.open.clear()
    resolver = resolver_of({"store": store})
    steps = 0

    def count(_frame: object, event: str, _argument: object) -> None:
        nonlocal steps
        steps += event == "call"

    async def main() -> set[str]:
        first = asyncio.create_task(resolver.aresolve())
        while not store.calls:
            await asyncio.sleep(0)
        tasks = [asyncio.create_task(resolver.aresolve()) for _ in range(1000)]
        sys.setprofile(count)
        await asyncio.sleep(0)
        sys.setprofile(None)
        store.open.set()
        return {(await task).key for task in (first, *tasks)}

    assert {"test-key-1"} == asyncio.run(main())
    assert steps < 20 * 1000


def test_tasks_that_come_during_a_walk_share_its_failure() -> None:
    """If the walk that they wait for finds nothing, they get the same error, and one call was made."""
    store = ScriptedProvider(ProviderUnavailable("is down"))
    store.open.clear()
    resolver = resolver_of({"store": store})

    async def main() -> list[object]:
        tasks = [asyncio.create_task(resolver.aresolve()) for _ in range(100)]
        while not store.calls:
            await asyncio.sleep(0)
        store.open.set()
        return await asyncio.gather(*tasks, return_exceptions=True)

    assert ({ProviderUnavailable}, 1) == (set(map(type, asyncio.run(main()))), store.calls)


def test_a_walk_that_is_cancelled_leaves_the_others_to_walk() -> None:
    """If the task whose walk the others wait for is cancelled, one of them goes on in its place."""
    store = ScriptedProvider(Secret("test-key-1"))
    store.open.clear()
    resolver = resolver_of({"store": store})

    async def main() -> set[str]:
        first, *others = (asyncio.create_task(resolver.aresolve()) for _ in range(10))
        while not store.calls:
            await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0)
        store.open.set()
        return {(await task).key for task in others}

    assert ({"test-key-1"}, 1) == (asyncio.run(main()), store.calls)


def test_the_deadline_counts_from_the_tasks_own_beginning() -> None:
    """A task that waited for another's walk has only the rest of its time for its own."""
    store = ScriptedProvider(Secret("test-key-1"))
    store.open.clear()
    settings = {"deadline": 0.4, "provider": {"store": {"timeout": 60.0}}}
    resolver = resolver_of({"store": store}, settings)

    async def main() -> float:
        tasks = [asyncio.create_task(resolver.aresolve()) for _ in range(3)]
        began = asyncio.get_running_loop().time()
        await asyncio.gather(*tasks, return_exceptions=True)
        return asyncio.get_running_loop().time() - began

    waited = asyncio.run(main())
    store.open.set()

    assert waited < 1.7 * 0.4


def test_nobody_waits_for_a_refresh_in_a_loop() -> None:
    """A thousand tasks get the old key without a turn of the loop between them, and one call is made."""
    clock, store = FakeClock(), ScriptedProvider(Secret("test-key-1"))
    resolver = resolver_of({"store": store}, clock=clock)
    resolver.resolve()
    store.open.clear()
    clock.advance(290)

    async def main() -> set[str]:
        tasks = [asyncio.create_task(resolver.aresolve()) for _ in range(1000)]
        await asyncio.sleep(0)
        return {task.result().key for task in tasks}

    keys = asyncio.run(main())
    until(lambda: store.calls == 2)
    store.open.set()

    assert {"test-key-1"} == keys
