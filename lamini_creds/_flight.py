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
    from collections.abc import Callable, Iterator

T = TypeVar("T")
W = TypeVar("W")

_WOKEN_AT_ONCE = 32
_LONGEST_BLOCK = 0.5


class Flight(Generic[T]):
    """
    A call under way, and later its result.

    The thread is a daemon, made for this call: a pool's workers, the default
    executor's among them, would hold up the interpreter's exit until the
    call returns. Where no thread can be had, at the interpreter's end, who
    can't do without the result makes the call.

    No lock is held here but around a thread's start, and that one lets a
    thread in twice: a signal's handler, or a `__del__`, may await the very
    flight that the code it interrupts was busy with. It may also raise, at any
    line, and leave the flight to the others.

    Args:
        call: What to do; what it raises is not told to waiters.
        timeout: Seconds after which waiters stop waiting for it.
    """

    __slots__ = ("_began", "_calls", "_results", "_started", "_starting", "_tasks", "_threads", "timeout")

    def __init__(self, call: Callable[[], T], timeout: float) -> None:
        self._calls = deque([call])  # taken out by whoever makes the call: nobody makes it twice
        self._results: deque[T] = deque()
        self._starting, self._started = threading.RLock(), False
        self._threads: deque[threading.Lock] = deque()
        self._tasks: deque[asyncio.Future[None]] = deque()
        self._began: float | None = None
        self.timeout = timeout

    @property
    def landed(self) -> bool:
        """Whether waiters have their result."""
        return bool(self._results)

    @property
    def result(self) -> T | None:
        """What waiters get, once it has landed."""
        return self._results[0] if self._results else None

    def start(self, *, inline: bool = True) -> None:
        """
        Take off, with a copy of the starter's context variables; once, whoever says so.

        Where an interrupt keeps the starter from it, the next one who waits
        does it, a signal's handler in the midst of it too.

        Args:
            inline: Make the call here where no thread can be had; else it is left to whoever says so next.
        """
        if self._started:
            return
        with self._starting:
            self._started = self._started or self._take_off()
        if inline and not self._started:
            copy_context().run(self._run)
            self._started = True

    def land(self, result: T) -> None:
        """Set the result that waiters get; the first one stands."""
        self._results.append(result)
        for waiter in _drained(self._threads):
            waiter.release()
        loops: dict[asyncio.AbstractEventLoop, deque[asyncio.Future[None]]] = {}
        for woken in _drained(self._tasks):
            loops.setdefault(woken.get_loop(), deque()).append(woken)
        for loop, waiting in loops.items():
            _call_soon(loop, _Waker(loop, waiting))

    def overdue(self) -> float:
        """Give the seconds by which the call is later than it may be; negative while it may go on, or has not begun."""
        return -self.timeout if self._began is None else monotonic() - self._began - self.timeout

    def wait(self, seconds: float) -> bool:
        """Block until the result is there, or for so many seconds; say whether it is."""
        woken, ends = threading.Lock(), monotonic() + min(seconds, threading.TIMEOUT_MAX)
        woken.acquire()
        self._threads.append(woken)
        # Looked at after joining the queue: nobody is left behind there. Python sees a signal that comes just before
        # it blocks, or that another thread gets, when it blocks no more.
        while not self.landed and (left := ends - monotonic()) > 0:
            woken.acquire(timeout=min(left, _LONGEST_BLOCK))
        _leave(self._threads, woken)
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
            _leave(self._tasks, woken)
            if timer is not None:
                timer.cancel()
        return self.landed

    def _take_off(self) -> bool:
        """Start a thread for the call; say whether one could be had."""
        if sys.is_finalizing():
            return False
        handled = sys.exception()
        run = copy_context().run
        try:
            threading.Thread(target=run, args=(self._run,), name="lamini_creds", daemon=True).start()
        except RuntimeError as error:
            interrupt = error.__context__  # one that comes while `start` waits leaves a lock of Python's own open
            if interrupt is not None and interrupt is not handled:
                raise interrupt from None
            return False
        return True

    def _run(self) -> None:
        try:
            call = self._calls.popleft()
        except IndexError:  # started twice, since an interrupt came between
            return
        self._began = monotonic()
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


def _drained(queue: deque[W]) -> Iterator[W]:
    """Take waiters out one by one, while others come, go and take out."""
    with suppress(IndexError):
        while True:
            yield queue.popleft()


def _leave(queue: deque[W], waiter: W) -> None:
    """Wait no longer: a call that takes long keeps nobody who has gone."""
    with suppress(ValueError):  # woken, and so taken out already
        queue.remove(waiter)


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
