"""Run something in a forked child, and bound it in time."""

from __future__ import annotations

import os
import select
import signal
import warnings
from typing import TYPE_CHECKING, Never

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST = 200


def told_by_child(ask: Callable[[], str], seconds: float) -> str:
    """
    Give what a function returns in a forked child.

    Args:
        ask: What the child does; it returns a few words.
        seconds: How long it may take.

    Returns:
        The words; or the type of what it raised; or that it hangs.
    """
    if not hasattr(os, "fork"):
        import pytest

        pytest.skip("this platform has no fork")
    reading, writing = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # the threads beside this one are what is tried
        child = os.fork()
    if child == 0:
        _tell(ask, writing)
    os.close(writing)
    try:
        ready, _, _ = select.select([reading], [], [], seconds)
        return os.read(reading, _MOST).decode() if ready else f"nothing for {seconds:g} s: it hangs"
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(reading)


def _tell(ask: Callable[[], str], writing: int) -> Never:
    """Answer through the pipe and end, without the parent's cleaning up."""
    try:
        words = ask()
    except BaseException as error:  # noqa: BLE001  # whatever it is, the parent is told
        words = type(error).__name__
    os.write(writing, words.encode()[:_MOST])
    os._exit(0)
