"""
Print what long times cost: ten minutes without the store, and hours with it, beside the peers.

Run by `run.py`, in an environment with the peers. Minutes pass in moments, by a
clock that can be set; the figures are counts. azure-identity is left out, since
it sleeps for seconds of real time between its own retries.
"""

from __future__ import annotations

import logging
import threading
from time import time
from typing import TYPE_CHECKING, NamedTuple

import time_machine  # type: ignore[import-not-found]  # in the environment that run.py makes

from lamini_creds.testing import FakeClock

from .concurrency import Slow, at_once, elapsed, makers, ours
from .table import Goal, show

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .concurrency import Fetch

HOURS, LIFE, OUTAGE, STEP = 10, 300.0, 600, 0.25


class Place(NamedTuple):
    """A store, a getter over it, and what lets time pass for both."""

    store: Slow
    get: Fetch
    advance: Callable[[float], object]


def main() -> None:
    logging.disable()
    outage()
    hours()


def places() -> Iterator[tuple[str, Place]]:
    """Give ours and the peers, each with a store that answers at once."""
    for name, make in makers().items():
        if name == "azure-identity":
            continue
        with time_machine.travel(time(), tick=False) as traveller:
            store, clock = Slow(0), FakeClock()
            if name == "lamini_creds":
                yield name, Place(store, ours(store, LIFE, clock), clock.advance)
            else:
                yield name, Place(store, make(store, LIFE), traveller.shift)


def outage() -> None:
    """Tell ten minutes without a store, and its return, with a call every quarter of a second."""
    calls, failed, longest, recovered = {}, {}, {}, {}
    for name, (store, get, advance) in places():
        get()
        advance(LIFE * 0.9)
        store.down, failed[name], longest[name] = True, 0.0, 0.0
        before = store.made + 1
        for _ in range(round(OUTAGE / STEP)):
            failed[name] += fails(get)
            longest[name] = max(longest[name], elapsed(lambda get=get: fails(get)) * 1e3)  # type: ignore[misc]
            settle()
            advance(STEP)
        calls[name], served = store.made - before, store.made
        store.down, recovered[name] = False, 0.0
        while recovered[name] < OUTAGE and (fails(get) or store.made == served or get() != f"test-key-{store.made}"):
            settle()
            advance(STEP)
            recovered[name] += STEP
    title = f"{OUTAGE // 60} minutes without a store"
    show(f"{title}: calls to it after the first that fails", calls, {"lamini_creds": Goal(60)})
    show(f"{title}: callers that failed, of {round(OUTAGE / STEP):,}", failed, {"lamini_creds": Goal(0)})
    show(f"{title}: the longest call, in ms", longest, {"lamini_creds": Goal(5)})
    show(f"{title}: seconds from its return to the new key", recovered, {"lamini_creds": Goal(10)})


def hours() -> None:
    """Tell ten hours, a call every second and 16 threads at once every 100, with an answer's life of 300 s."""
    calls = {}
    for name, (store, get, advance) in places():
        for second in range(HOURS * 3600):
            at_once(16, lambda _, get=get: get()) if second % 100 == 0 else get()  # type: ignore[misc]
            settle()
            advance(1)
        calls[name] = store.made / HOURS
    show(f"{HOURS} hours, 16 threads: calls an hour", calls, {"lamini_creds": Goal(1.2 * 3600 / LIFE)})


def fails(get: Fetch) -> bool:
    try:
        get()
    except Exception:  # each peer's own
        return True
    return False


def settle() -> None:
    """Wait for the calls in the background."""
    for thread in threading.enumerate():
        if thread.name == "lamini_creds":
            thread.join()


if __name__ == "__main__":
    main()
