"""Run a program for its answer: bounded in time and size, and nothing of it left behind."""

from __future__ import annotations

import atexit
import os
import selectors
import signal
import subprocess
import threading
from contextlib import suppress
from time import monotonic
from typing import IO, TYPE_CHECKING

from lamini_creds._credential import Hidden
from lamini_creds._forks import renew_after_fork
from lamini_creds._outcome import Problem

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LIMIT = 64 * 1024
_KEPT_COMPLAINT = 4096
_FIRST_PAUSE, _LAST_PAUSE = 0.001, 0.05
_DEATH = 1.0
_TAKEN = Problem(
    "ended with a status that can't be learned here",
    "This process ignores SIGCHLD, or something in it waits for every child: let it wait for its own alone.",
)


class Ended:
    """
    What became of a program that ended by itself; it prints without its output.

    Args:
        status: Its exit status; of one that a signal ended, the signal's number below zero.
        output: What it wrote to its standard output.
        complaint: The end of what it wrote to its standard error stream.
    """

    __slots__ = ("complaint", "output", "status")

    def __init__(self, status: int, output: bytes, complaint: bytes) -> None:
        self.status, self.output, self.complaint = status, Hidden(output), Hidden(complaint)


class Late(Problem):
    """It did not end in time."""

    __slots__ = ()


def run(command: Sequence[str], environ: Hidden[Mapping[str, str]], seconds: float) -> Ended | Problem:
    """
    Start a program in a session of its own, without a terminal, and take in what it writes until it ends.

    A process that it started may keep its pipes open: that is not waited for.
    Whoever is left of its process group in the end is killed, and so is the
    whole group where time or size are exceeded, or the interpreter exits; a
    signal that kills it on the spot is no exit.

    Args:
        command: The program's path and its arguments.
        environ: Its whole environment.
        seconds: How long it may take.
    """
    ends = monotonic() + seconds
    try:
        process = _running.start(command, environ)
    except (OSError, ValueError) as error:
        errno = getattr(error, "errno", None)
        return Problem(f"can't be started ({os.strerror(errno) if errno else type(error).__name__})")
    output, complaint = _Stream(process.stdout, LIMIT + 1), _Stream(process.stderr, _KEPT_COMPLAINT, last=True)
    try:
        return _followed(process, output, complaint, ends)
    finally:
        _end(process)


class _Stream:
    """
    What comes out of a pipe, as far as it is kept.

    Args:
        pipe: The pipe, which is read without waiting from now on.
        most: How many bytes are kept.
        last: The last bytes are kept, and all are read; else the first, and no more are read.
    """

    def __init__(self, pipe: IO[bytes] | None, most: int, *, last: bool = False) -> None:
        self.descriptor = pipe.fileno() if pipe else -1
        self.data, self._most, self._last = bytearray(), most, last
        os.set_blocking(self.descriptor, False)

    def take(self) -> bool:
        """Take in what is there; say whether more may come."""
        try:
            part = os.read(self.descriptor, LIMIT)
        except BlockingIOError:
            return True
        self.data += part
        if self._last:
            del self.data[: -self._most]
        return bool(part) and (self._last or not self.full)

    def take_rest(self) -> None:
        """Take in what a program has left in the pipe, whoever else holds it open."""
        before = -1
        while len(self.data) != before and (self._last or not self.full):
            before = len(self.data)
            self.take()

    @property
    def full(self) -> bool:
        """Whether there is as much as is kept."""
        return len(self.data) >= self._most


def _followed(process: subprocess.Popen[bytes], output: _Stream, complaint: _Stream, ends: float) -> Ended | Problem:
    pause = _FIRST_PAUSE
    with selectors.DefaultSelector() as selector:
        for stream in (output, complaint):
            selector.register(stream.descriptor, selectors.EVENT_READ, stream)
        while (status := _status(process)) is None and not output.full:
            left = ends - monotonic()
            if left <= 0:
                return Late("no answer in time", "Is it waiting for somebody? Or set a longer `timeout`.")
            ready = selector.select(min(left, pause))
            pause = _FIRST_PAUSE if ready else min(2 * pause, _LAST_PAUSE)
            for key, _ in ready:
                if not key.data.take():
                    selector.unregister(key.fd)
    output.take_rest()
    complaint.take_rest()
    if output.full:
        return Problem(f"answered with more than {LIMIT // 1024} KiB", "Is it the right command?")
    if isinstance(status, Problem):
        return status
    return Ended(status or 0, bytes(output.data), bytes(complaint.data))


def _status(process: subprocess.Popen[bytes]) -> int | Problem | None:
    """Look whether a program has ended; subprocess would take a status that somebody else has taken away for 0."""
    try:
        ended, status = os.waitpid(process.pid, os.WNOHANG)
    except ChildProcessError:
        return _TAKEN
    if ended:
        process.returncode = os.waitstatus_to_exitcode(status)
    return process.returncode


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the group, and wait for the program; not for long, since another user's can't be killed."""
    _kill(process)
    for pipe in (process.stdout, process.stderr):
        if pipe:
            pipe.close()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_DEATH)
    _running.processes.discard(process)


def _kill(process: subprocess.Popen[bytes]) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


class _Running:
    """The helpers of this process, each the leader of a group: none of them outlives an exit."""

    def __init__(self) -> None:
        self.after_fork()
        renew_after_fork(self)

    def after_fork(self) -> None:
        """Leave the parent's to the parent."""
        self._starting = threading.Lock()
        self.processes: set[subprocess.Popen[bytes]] = set()

    def start(self, command: Sequence[str], environ: Hidden[Mapping[str, str]]) -> subprocess.Popen[bytes]:
        """Start one, of which an exit knows from the first moment."""
        with self._starting:
            process = subprocess.Popen(  # noqa: S603  # the user's own settings name it; no shell reads it
                command, env=environ.value, cwd="/", start_new_session=True, bufsize=0,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            )  # fmt: skip
            self.processes.add(process)
        return process

    def kill(self) -> None:
        """Kill all of them at exit, and let no more be started: the threads that wait for them are gone soon."""
        self._starting.acquire(timeout=_DEATH)
        for process in [*self.processes]:
            _kill(process)


_running = _Running()
atexit.register(_running.kill)
