"""One call in a thread of its own, shared by every thread and event loop that waits for it."""

from __future__ import annotations

import sys
import threading
from collections import deque
from contextvars import copy_context
from time import monotonic
from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable

T = TypeVar("T")

_WOKEN_AT_ONCE = 32


class Flight(Generic[T]):
    """
    A call under way, and later its result.

    The thread is a daemon, made for this call: a pool's workers, the default
    executor's among them, would hold up the interpreter's exit until the
    call returns. Where no thread can be had, at the interpreter's end, the
    call is made at once.

    Args:
        call: What to do; it must not raise.
        timeout: Seconds after which waiters stop waiting for it.
    """

    __slots__ = ("_call", "_done", "_lock", "_loops", "began", "result", "returned", "timeout")

    def __init__(self, call: Callable[[], T], timeout: float) -> None:
        self._call = call
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._loops: dict[asyncio.AbstractEventLoop, deque[asyncio.Future[None]]] = {}
        self.timeout = timeout
        self.began = monotonic()
        self.result: T | None = None
        self.returned = False

    def start(self) -> None:
        """Take off, with a copy of the starter's context variables."""
        run = copy_context().run
        if not sys.is_finalizing():
            try:
                threading.Thread(target=run, args=(self._run,), name="lamini_creds", daemon=True).start()
            except RuntimeError:
                pass
            else:
                return
        run(self._run)

    def land(self, result: T) -> bool:
        """Set the result that waiters get; the first one stands."""
        with self._lock:
            if self._done.is_set():
                return False
            self.result = result
            self._done.set()
            loops, self._loops = self._loops, {}
        for loop, waiting in loops.items():
            _call_soon(loop, _Waker(loop, waiting))
        return True

    @property
    def landed(self) -> bool:
        """Whether waiters have their result."""
        return self._done.is_set()

    def overdue(self) -> float:
        """Give the seconds by which the call is later than it may be; negative while it may go on."""
        return monotonic() - self.began - self.timeout

    def wait(self, seconds: float) -> bool:
        """Block until the result is there, or for so many seconds; say whether it is."""
        return self._done.wait(max(0.0, min(seconds, threading.TIMEOUT_MAX)))

    async def awaited(self, seconds: float) -> bool:
        """Wait as `wait` does, without blocking the event loop; cancelling one waiter leaves the others alone."""
        import asyncio

        loop = asyncio.get_running_loop()
        woken: asyncio.Future[None] = loop.create_future()
        with self._lock:
            if self._done.is_set():
                return True
            self._loops.setdefault(loop, deque()).append(woken)
        timer = loop.call_later(max(0.0, min(seconds, 86400.0)), _wake, woken)
        try:
            await woken
        finally:
            timer.cancel()
        return self._done.is_set()

    def _run(self) -> None:
        result = self._call()
        self.returned = True
        self.land(result)


class _Waker:
    """Wakes the tasks of one loop, some at a time, so that a thousand of them do not hold the loop up."""

    __slots__ = ("_loop", "_waiting")

    def __init__(self, loop: asyncio.AbstractEventLoop, waiting: deque[asyncio.Future[None]]) -> None:
        self._loop = loop
        self._waiting = waiting

    def __call__(self) -> None:
        for _ in range(min(_WOKEN_AT_ONCE, len(self._waiting))):
            _wake(self._waiting.popleft())
        if self._waiting:
            self._loop.call_soon(self)


def _wake(woken: asyncio.Future[None]) -> None:
    if not woken.done():
        woken.set_result(None)


def _call_soon(loop: asyncio.AbstractEventLoop, call: Callable[[], object]) -> None:
    try:
        loop.call_soon_threadsafe(call)
    except RuntimeError:  # the loop was closed meanwhile, and its tasks with it
        return


async def in_thread(work: Callable[[], object]) -> None:
    """Do something that may take long, once, in a thread of its own, and wait for it."""
    flight = Flight(work, float("inf"))
    flight.start()
    await flight.awaited(float("inf"))
