"""One call in a thread of its own, shared by every thread and event loop that waits for it."""

from __future__ import annotations

import sys
import threading
from collections import deque
from contextlib import suppress
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

    Nothing here is done under a lock: a signal's handler, or a `__del__`, may
    await the very flight that the code it interrupts was busy with.

    Args:
        call: What to do; what it raises is not told to waiters.
        timeout: Seconds after which waiters stop waiting for it.

    Attributes:
        result: What waiters get, once it has landed.
        landed: Whether waiters have their result.
    """

    __slots__ = (
        "_began", "_calls", "_landing", "_started", "_starting", "_tasks", "_threads", "landed", "result", "timeout",
    )  # fmt: skip

    def __init__(self, call: Callable[[], T], timeout: float) -> None:
        self._calls = deque([call])
        self._starting, self._started = threading.RLock(), False
        self._landing = threading.Lock()  # taken once, by the first who comes
        self._threads: deque[threading.Lock] = deque()
        self._tasks: deque[asyncio.Future[None]] = deque()
        self._began = monotonic()
        self.timeout = timeout
        self.result: T | None = None
        self.landed = False

    def start(self) -> None:
        """
        Take off, with a copy of the starter's context variables; once, whoever says so.

        Where an interrupt keeps the starter from it, the next one who waits
        does it, a signal's handler in the midst of it too.
        """
        if self._started or not self._starting.acquire(blocking=False):
            return
        try:
            self._take_off(copy_context().run)
            self._started = True
        finally:
            self._starting.release()

    def land(self, result: T) -> bool:
        """Set the result that waiters get; the first one stands."""
        if not self._landing.acquire(blocking=False):
            return False
        self.result = result
        self.landed = True
        while self._threads:
            self._threads.popleft().release()
        loops: dict[asyncio.AbstractEventLoop, deque[asyncio.Future[None]]] = {}
        while self._tasks:
            woken = self._tasks.popleft()
            loops.setdefault(woken.get_loop(), deque()).append(woken)
        for loop, waiting in loops.items():
            _call_soon(loop, _Waker(loop, waiting))
        return True

    def overdue(self) -> float:
        """Give the seconds by which the call is later than it may be; negative while it may go on."""
        return monotonic() - self._began - self.timeout

    def wait(self, seconds: float) -> bool:
        """Block until the result is there, or for so many seconds; say whether it is."""
        woken = threading.Lock()
        woken.acquire()
        self._threads.append(woken)
        if not self.landed:  # looked at after joining the queue: nobody is left behind there
            woken.acquire(timeout=max(0.0, min(seconds, threading.TIMEOUT_MAX)))
        return self.landed

    async def awaited(self, seconds: float) -> bool:
        """Wait as `wait` does, without blocking the event loop; cancelling one waiter leaves the others alone."""
        import asyncio

        loop = asyncio.get_running_loop()
        woken: asyncio.Future[None] = loop.create_future()
        self._tasks.append(woken)
        if self.landed:
            return True
        timer = None if seconds == float("inf") else loop.call_later(max(0.0, min(seconds, 86400.0)), _wake, woken)
        try:
            await woken
        finally:
            if timer is not None:
                timer.cancel()
        return self.landed

    def _take_off(self, run: Callable[[Callable[[], None]], None]) -> None:
        if not sys.is_finalizing():
            try:
                threading.Thread(target=run, args=(self._run,), name="lamini_creds", daemon=True).start()
            except RuntimeError:
                pass
            else:
                return
        run(self._run)

    def _run(self) -> None:
        try:
            call = self._calls.popleft()
        except IndexError:  # started twice, since an interrupt came between
            return
        self.land(call())


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
    """Do something that may take long, once, in a thread of its own, and wait for it; what it raises is dropped."""

    def run() -> None:
        with suppress(BaseException):
            work()

    flight = Flight(run, float("inf"))
    flight.start()
    await flight.awaited(float("inf"))
