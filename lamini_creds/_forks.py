"""What a fork needs: locks that are held across it, and the rest made new in the child."""

from __future__ import annotations

import os
import threading
from typing import Protocol
from weakref import WeakSet


class Forkable(Protocol):
    """Something with locks or threads of its own."""

    def after_fork(self) -> None:
        """Start afresh, in the child."""
        ...


_alive: WeakSet[Forkable] = WeakSet()


def renew_after_fork(thing: Forkable) -> None:
    """Have `after_fork` called in every child forked while the thing lives."""
    _alive.add(thing)


def _renew() -> None:
    for thing in list(_alive):
        thing.after_fork()


def _held_across_forks() -> threading.RLock:
    """Make a lock that a fork waits for: a child that inherits an import half done waits for it for ever."""
    lock = threading.RLock()
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)
    return lock


# A thread that has IMPORTS may take SETTING_UP, never the other way round; a fork takes the last one made first.
SETTING_UP = _held_across_forks()  # the configuration and what is built in: short enough for an event loop to wait for
IMPORTS = _held_across_forks()  # plugins: their imports may take seconds

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew)
