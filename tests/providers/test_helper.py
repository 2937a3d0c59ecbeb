"""A program run for its answer: in time, of a size, without a terminal, and gone afterwards."""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import lamini_creds
from lamini_creds._credential import Hidden
from lamini_creds._outcome import Problem
from lamini_creds.providers._helper import LIMIT, Ended, Late, _Stream, run

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="helpers need process groups")

PATH = os.environ["PATH"]
ENVIRON = {"PATH": PATH, "PYTHONPATH": str(Path(lamini_creds.__file__).parents[1])}
CANARY = "test-key-c4n4ry9f8e7d"


def ran(script: str, seconds: float = 20) -> Ended | Problem:
    """Run a line of the shell."""
    return run(["/bin/sh", "-c", script], Hidden({"PATH": PATH}), seconds)


def ended(script: str) -> Ended:
    """Run a line of the shell that ends by itself."""
    done = ran(script)
    assert isinstance(done, Ended)
    return done


class Lifeline:
    """A FIFO that programs open for writing: it ends when the last of them is gone."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.opened = f"exec 9>'{path}'"
        self.descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        self._held = os.open(path, os.O_WRONLY)

    def ended(self) -> bool:
        """Wait until nobody has it open any more; say whether that came about."""
        os.close(self._held)
        ready, _, _ = select.select([self.descriptor], [], [], 10)
        return bool(ready) and os.read(self.descriptor, 1) == b""


@pytest.fixture
def lifeline(tmp_path: Path) -> Iterator[Lifeline]:
    """Watch over processes by what they hold open."""
    line = Lifeline(tmp_path / "lifeline")
    yield line
    os.close(line.descriptor)


def test_all_that_a_program_says() -> None:
    """Status, output and complaint of a program that ends are told apart."""
    done = ended("echo out; echo err >&2; exit 7")

    assert (7, b"out\n", b"err\n") == (done.status, done.output.value, done.complaint.value)


def test_a_signal_is_a_status_below_zero() -> None:
    """A program that a signal ends has its number as the status."""
    assert -signal.SIGKILL == ended("kill -9 $$").status


@pytest.fixture
def deaf() -> Iterator[None]:
    """A process in which no child's status arrives: the system drops it."""
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    yield
    signal.signal(signal.SIGCHLD, before)


@pytest.mark.usefixtures("deaf")
@pytest.mark.parametrize("status", [0, 3, 4])
def test_a_status_that_is_lost_is_none(status: int) -> None:
    """An answer counts by its status, which is never guessed."""
    done = ran(f"echo out; exit {status}")

    assert isinstance(done, Problem)
    assert "ended with a status that can't be learned here" == done.reason


def test_it_prints_without_what_was_said() -> None:
    """What a program wrote does not show where the result is printed."""
    done = ended(f"echo {CANARY}; echo {CANARY} >&2")

    assert CANARY not in f"{done!r} {done.output!r} {done.complaint!r}"


def test_the_last_words_of_a_complaint() -> None:
    """What is written in a program's last moment is taken in, however much came before it."""
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb", 0) as pipe, os.fdopen(writing, "wb", 0) as complaint:
        stream = _Stream(pipe, 4, last=True)
        complaint.write(b"first")
        stream.take()
        complaint.write(b"last")
        stream.take_rest()

    assert b"last" == stream.data


def test_a_complaint_is_kept_by_its_end() -> None:
    """However much a program complains, it is not held up, and the last 4 KiB are kept."""
    done = ended("head -c 1000000 /dev/zero >&2; printf last >&2; echo out")

    assert b"out\n" == done.output.value
    assert (4096, True) == (len(done.complaint.value), done.complaint.value.endswith(b"last"))


def test_output_comes_in_parts() -> None:
    """What is written bit by bit is the same as if it came at once."""
    assert b"123" == ended("for n in 1 2 3; do printf $n; sleep 0.05; done").output.value


def test_a_hanging_program_is_killed_in_time(lifeline: Lifeline) -> None:
    """When its time is over a program is gone with all that it started."""
    assert isinstance(ran(f"{lifeline.opened}; sleep 60 & sleep 60", 0.5), Late)
    assert lifeline.ended()


def test_no_time_left() -> None:
    """With no time left it is late at once."""
    assert isinstance(ran("sleep 60", -1), Late)


def test_a_program_that_heeds_no_signal_is_killed(lifeline: Lifeline) -> None:
    """A program that ignores signals is killed by the one that can't be ignored."""
    script = f"trap '' INT TERM HUP PIPE; {lifeline.opened}; while :; do sleep 60; done"

    assert isinstance(ran(script, 0.5), Late)
    assert lifeline.ended()


def test_a_dribbling_program_is_killed_in_time(lifeline: Lifeline) -> None:
    """A program that goes on writing a little gets no more time for it."""
    assert isinstance(ran(f"{lifeline.opened}; while :; do printf ' '; sleep 0.05; done", 0.5), Late)
    assert lifeline.ended()


def test_too_much(lifeline: Lifeline) -> None:
    """More than 64 KiB are not read: the program is killed."""
    problem = ran(f"{lifeline.opened}; yes")

    assert isinstance(problem, Problem)
    assert "answered with more than 64 KiB" == problem.reason
    assert lifeline.ended()


@pytest.mark.parametrize(("size", "fits"), [(LIMIT, True), (LIMIT + 1, False)])
def test_the_limit_holds_for_what_is_left_in_the_pipe(size: int, fits: bool) -> None:
    """64 KiB are not too much, one byte more is, also of a program that has ended."""
    assert fits == isinstance(ran(f"head -c {size} /dev/zero"), Ended)


def test_a_program_that_closes_its_output_and_stays(lifeline: Lifeline) -> None:
    """A program that closes its output is waited for in time and no longer: its status is part of the answer."""
    assert isinstance(ran(f"{lifeline.opened}; exec >&- 2>&-; sleep 60", 0.5), Late)
    assert lifeline.ended()


def test_a_program_that_closes_its_output_and_ends() -> None:
    """The status of a program that closes its output and ends later is told."""
    assert 7 == ended("exec >&- 2>&-; sleep 0.2; exit 7").status


def test_a_grandchild_that_keeps_the_pipes(lifeline: Lifeline) -> None:
    """An answer is not held up by who else has the pipes open; who is still in the group is killed."""
    assert b"out\n" == ended(f"{lifeline.opened}; sleep 60 & echo out").output.value
    assert lifeline.ended()


def test_a_daemon_that_keeps_the_pipes(tmp_path: Path) -> None:
    """A program may leave a daemon behind that has its pipes open, as ssh does with a shared connection."""
    file = tmp_path / "pid"
    code = f"""
import os, time
if os.fork() == 0:
    os.setsid()
    open({str(file)!r}, "x").write(str(os.getpid()))
    os.rename({str(file)!r}, {str(file)!r} + ".done")
    time.sleep(60)
while not os.path.exists({str(file)!r} + ".done"):
    time.sleep(0.01)
print("out")
"""
    done = run([sys.executable, "-c", code], Hidden({"PATH": PATH}), 20)
    os.kill(int(file.with_name("pid.done").read_text()), signal.SIGKILL)

    assert isinstance(done, Ended)
    assert b"out\n" == done.output.value


def test_nothing_can_be_asked_of_anybody() -> None:
    """Where the caller has a terminal, its program has none: who asks for a password gets no answer."""
    ours, theirs = os.openpty()
    os.write(ours, b"answer\n")
    code = f"""
import os
from lamini_creds._credential import Hidden
from lamini_creds.providers._helper import run
os.dup2(os.open({os.ttyname(theirs)!r}, os.O_RDWR), 0)
os.close(os.open("/dev/tty", os.O_RDWR))
script = "read answer && exit 4; (: </dev/tty) 2>/dev/null && exit 5; exit 7"
print(run(["/bin/sh", "-c", script], Hidden(dict(os.environ)), 20).status)
"""
    done = subprocess.run(
        [sys.executable, "-c", code], env=ENVIRON, start_new_session=True,
        capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip
    os.close(theirs)
    os.close(ours)

    assert ("7\n", "") == (done.stdout, done.stderr)


def test_the_environment_is_what_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    """A program has the environment that it is given, and nothing of the caller's."""
    monkeypatch.setenv("LAMINI_API_KEY", CANARY)
    done = run(["/usr/bin/env"], Hidden({"ONE": "1"}), 20)

    assert isinstance(done, Ended)
    assert b"ONE=1\n" == done.output.value


def test_the_working_directory_is_the_root() -> None:
    """A program runs where nothing of a checkout is."""
    assert b"/\n" == ended("pwd").output.value


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        (["/nonexistent"], "can't be started (No such file or directory)"),
        (["/etc/passwd"], "can't be started (Permission denied)"),
        (["/bin/sh", "a\0b"], "can't be started (ValueError)"),
    ],
    ids=["absent", "closed", "NUL"],
)
def test_what_can_t_be_started(command: list[str], reason: str) -> None:
    """What can't be started is told with the system's own reason, without a traceback that would show it."""
    problem = run(command, Hidden({"PATH": PATH}), 20)

    assert isinstance(problem, Problem)
    assert reason == problem.reason


def test_no_descriptor_is_left_open() -> None:
    """However a program ends, its pipes are closed."""
    before = len(os.listdir("/dev/fd"))
    for script in ("exit 0", "exit 1", "yes", "sleep 60"):
        ran(script, 0.2)

    assert before == len(os.listdir("/dev/fd"))


def test_nothing_is_left_at_exit(lifeline: Lifeline, tmp_path: Path) -> None:
    """An interpreter that ends while a program hangs takes it along."""
    up = tmp_path / "up"
    os.mkfifo(up)
    script = f"{lifeline.opened}; echo up >'{up}'; sleep 60"
    code = f"""
import threading
from lamini_creds._credential import Hidden
from lamini_creds.providers._helper import run
command = ["/bin/sh", "-c", {script!r}]
threading.Thread(target=run, args=(command, Hidden({{"PATH": {PATH!r}}}), 60), daemon=True).start()
open({str(up)!r}).read()
"""
    subprocess.run([sys.executable, "-c", code], env=ENVIRON, timeout=30, check=True)

    assert lifeline.ended()


def test_a_forked_child_leaves_its_parent_s_program_alone(tmp_path: Path) -> None:
    """A child that ends does not take along what its parent waits for."""
    go = tmp_path / "go"
    os.mkfifo(go)
    script = f"echo up >'{go}'; read go <'{go}'; echo out"
    code = f"""
import os, sys, threading
from lamini_creds._credential import Hidden
from lamini_creds.providers._helper import run
command = ["/bin/sh", "-c", {script!r}]
asking = threading.Thread(target=lambda: print(run(command, Hidden({{"PATH": {PATH!r}}}), 60).output.value))
asking.start()
open({str(go)!r}).read()
child = os.fork()
if not child:
    sys.exit()
os.waitpid(child, 0)
open({str(go)!r}, "w").write("go")
asking.join()
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env=ENVIRON, capture_output=True, text=True, timeout=30, check=False,
    )  # fmt: skip

    assert ("b'out\\n'\n", "") == (done.stdout, done.stderr)
