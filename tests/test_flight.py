"""One call, shared by threads and event loops."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from contextvars import ContextVar
from time import monotonic

import pytest

from lamini_creds._flight import Flight, in_thread


class Gate:
    """A call that waits until it may go on."""

    def __init__(self, result: object = "landed") -> None:
        self.open = threading.Event()
        self.begun = threading.Event()
        self.result = result

    def __call__(self) -> object:
        self.begun.set()
        self.open.wait()
        return self.result


def test_threads_share_the_result() -> None:
    """Everybody who waits gets what the one call brought."""
    gate = Gate()
    flight = Flight(gate, 5)
    flight.start()
    seen: list[object] = []
    waiters = [threading.Thread(target=lambda: seen.append(flight.wait(30) and flight.result)) for _ in range(8)]
    for waiter in waiters:
        waiter.start()
    gate.open.set()
    for waiter in waiters:
        waiter.join()

    assert ["landed"] * 8 == seen


def test_event_loops_share_the_result() -> None:
    """Two event loops in two threads wait for the same call."""
    gate = Gate()
    flight = Flight(gate, 5)
    flight.start()
    seen: list[object] = []

    def loop() -> None:
        asyncio.run(flight.awaited(30))
        seen.append(flight.result)

    loops = [threading.Thread(target=loop) for _ in range(2)]
    for thread in loops:
        thread.start()
    gate.open.set()
    for thread in loops:
        thread.join()

    assert ["landed", "landed"] == seen


def test_cancelling_one_task_leaves_the_others() -> None:
    """A cancelled waiter does not take the call down."""

    async def main() -> bool:
        gate = Gate()
        flight = Flight(gate, 5)
        flight.start()
        first, second = (asyncio.create_task(flight.awaited(30)) for _ in range(2))
        await asyncio.sleep(0)
        first.cancel()
        gate.open.set()
        return await second

    assert asyncio.run(main())


def test_a_closed_loop_does_no_harm() -> None:
    """A call lands although the loop of a waiter was closed meanwhile."""
    gate = Gate()
    flight = Flight(gate, 5)
    flight.start()
    loop = asyncio.new_event_loop()
    task = loop.create_task(flight.awaited(30))
    loop.run_until_complete(asyncio.sleep(0))
    task.cancel()
    loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
    loop.close()
    gate.open.set()

    assert flight.wait(30)


def test_a_task_that_gives_up_is_told() -> None:
    """Waiting ends after the seconds given, whether the call has landed or not."""
    gate = Gate()
    flight = Flight(gate, 5)
    flight.start()
    landed = asyncio.run(flight.awaited(0.01))
    gate.open.set()

    assert not landed


def test_who_gives_up_leaves_nothing_behind() -> None:
    """Threads and tasks that go before the call lands are not kept until it does."""
    gate = Gate()
    flight = Flight(gate, 5)
    flight.start()
    flight.wait(0.0)
    asyncio.run(flight.awaited(0.0))
    kept = len(flight._threads) + len(flight._tasks)
    gate.open.set()

    assert 0 == kept


def test_a_call_is_late_from_its_begin_on() -> None:
    """A call that an interrupt kept from its start has all its time left."""
    flight = Flight(Gate(), 5)

    assert -5 == flight.overdue()


def test_a_call_is_late_when_its_time_is_over() -> None:
    """Once it has begun, what passes is its own time, and no more than that."""
    gate = Gate()
    flight = Flight(gate, 5)
    before = monotonic()
    flight.start()
    gate.begun.wait()
    overdue, passed = flight.overdue(), monotonic() - before
    gate.open.set()

    assert -5 <= overdue <= passed - 5


def test_the_first_result_stands() -> None:
    """A result that was set for a call that hangs is not replaced when it returns."""
    gate = Gate()
    flight: Flight[object] = Flight(gate, 5)
    flight.start()
    flight.land("given up")
    gate.open.set()
    flight.land("later")

    assert "given up" == flight.result


def test_the_starters_context_is_copied() -> None:
    """A call sees the context variables of whoever started it."""
    variable: ContextVar[str] = ContextVar("variable")
    variable.set("set")
    flight = Flight(lambda: variable.get("unset"), 5)
    flight.start()
    flight.wait(30)

    assert "set" == flight.result


def test_a_thousand_tasks_are_woken_some_at_a_time() -> None:
    """Between the first and the last of 1,000 woken tasks the event loop turns many times."""

    async def main() -> int:
        gate = Gate()
        flight = Flight(gate, 5)
        flight.start()
        tasks = [asyncio.create_task(flight.awaited(30)) for _ in range(1000)]
        await asyncio.sleep(0)
        turns = 0
        gate.open.set()
        while not all(task.done() for task in tasks):
            turns += any(task.done() for task in tasks)
            await asyncio.sleep(0)
        return turns

    assert 20 < asyncio.run(main())


def test_a_hanging_call_does_not_hold_up_exit() -> None:
    """The interpreter ends while a call hangs."""
    code = "import threading; from lamini_creds._flight import Flight; Flight(threading.Event().wait, 5).start()"

    assert 0 == subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode


def test_without_threads_it_runs_inline() -> None:
    """Where no thread can be started the call is made at once."""
    code = """
import threading
from lamini_creds._flight import Flight, in_thread
def refuse(self): raise RuntimeError("can't start new thread")
threading.Thread.start = refuse
flight = Flight(lambda: "inline", 5)
flight.start()
print(flight.result)
"""
    shown = subprocess.run([sys.executable, "-c", code], timeout=60, check=True, capture_output=True, text=True)

    assert "inline\n" == shown.stdout


def test_an_interrupted_start_is_made_up_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where an interrupt keeps the first starter from it, the next one starts the call."""
    flight = Flight(lambda: "landed", 5)

    def interrupted(*_: object, **__: object) -> threading.Thread:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(threading, "Thread", interrupted)
        with pytest.raises(KeyboardInterrupt):
            flight.start()
    flight.start()

    assert (True, "landed") == (flight.wait(30), flight.result)


def test_started_twice_it_is_made_once() -> None:
    """A signal's handler in the midst of a start starts it too, and one call is made."""
    calls: list[int] = []
    flight = Flight(lambda: calls.append(1), 5)
    flight._take_off()
    flight._take_off()
    flight.wait(30)

    assert [1] == calls


def test_an_interrupt_within_the_threads_start_gets_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Python makes of an interrupt there, a RuntimeError about its lock, is no reason to call inline."""
    flight, start = Flight(threading.get_ident, 5), threading.Thread.start

    def interrupted(thread: threading.Thread) -> None:
        start(thread)
        try:
            raise KeyboardInterrupt
        finally:
            raise RuntimeError("release unlocked lock")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", interrupted)
        with pytest.raises(KeyboardInterrupt):
            flight.start()

    assert flight.wait(30)
    assert threading.get_ident() != flight.result


def test_without_threads_it_runs_inline_also_where_an_error_is_handled(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exception that the caller is busy with is not taken for an interrupt."""

    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    flight = Flight(threading.get_ident, 5)
    try:
        raise KeyboardInterrupt
    except KeyboardInterrupt:
        flight.start()

    assert threading.get_ident() == flight.result


def test_work_that_raises_is_over() -> None:
    """Whoever awaits something done in a thread is not left there when it raises."""

    def work() -> None:
        raise KeyboardInterrupt

    asyncio.run(asyncio.wait_for(in_thread(work), 30))
