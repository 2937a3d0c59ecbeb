"""Resolving where a process ends or is interrupted: it neither hangs nor shows a traceback."""

from __future__ import annotations

import subprocess
import sys

import pytest

BEGIN = """
import asyncio, atexit, os, signal, sys, threading
from lamini_creds import CredentialError, Secret
from lamini_creds.testing import FakeClock, ScriptedProvider, StaticProvider, resolver_of

def show(text, write=os.write):
    write(1, f"{text}\\n".encode())

store = ScriptedProvider(Secret("test-key-1"))
resolver = resolver_of({"store": store}, {"provider": {"store": {"timeout": 20.0}}})
"""
HANGING = """
hanging = ScriptedProvider()
hanging.open.clear()
"""


def shown(code: str, status: int = 0) -> list[str]:
    """Run a program to its end, for a minute at most, and give the lines that it showed; it says nothing besides."""
    ran = subprocess.run([sys.executable, "-c", BEGIN + code], capture_output=True, text=True, check=False, timeout=60)
    assert (status, "") == (ran.returncode, ran.stderr)
    return ran.stdout.splitlines()


def test_the_first_call_at_exit() -> None:
    """A function of `atexit` may be the first to resolve."""
    assert ["test-key-1"] == shown("atexit.register(lambda: show(resolver.resolve().key))")


def test_the_first_call_at_exit_in_a_loop() -> None:
    """Or to do so in an event loop."""
    assert ["test-key-1"] == shown("atexit.register(lambda: show(asyncio.run(resolver.aresolve()).key))")


def test_a_store_that_hangs_at_exit() -> None:
    """A store that hangs while the process ends is given up as at any time."""
    code = f"""
{HANGING}
resolver = resolver_of({{"store": hanging}}, {{"provider": {{"store": {{"timeout": 0.2}}}}}})

def last():
    try:
        resolver.resolve()
    except CredentialError as error:
        show(type(error).__name__)

import logging
logging.disable()
atexit.register(last)
"""

    assert ["ProviderUnavailable"] == shown(code)


@pytest.mark.parametrize("ttl", [300.0, 0.0], ids=["fresh", "fetched anew"])
@pytest.mark.parametrize(
    "keep",
    [
        "last = Last()",
        "sys.modules['own'] = own = type(sys)('own')\nown.last = Last()",
        "last = Last()\nlast.last = last",
    ],
    ids=["main", "a module", "a cycle"],
)
def test_a_destructor_at_the_interpreters_end(ttl: float, keep: str) -> None:
    """`__del__` of what goes last may resolve: where no thread can be had any more, the call is made at once."""
    code = f"""
class Last:
    def __init__(self):
        self.resolver = resolver_of({{"store": StaticProvider(Secret("test-key-1"))}}, {{"provider": {{"store": {{"ttl": {ttl}}}}}}})
        self.resolver.resolve()

    def __del__(self, show=show, finalizing=sys.is_finalizing):
        show(f"{{finalizing()}} {{self.resolver.resolve().key}}")

{keep}
"""

    assert ["True test-key-1"] == shown(code)


def test_a_daemon_thread_at_exit() -> None:
    """A daemon thread that resolves without end is no hindrance, with answers at hand and with calls under way."""
    code = """
calling = resolver_of({"store": store}, {"provider": {"store": {"ttl": 0.0}}})

def work(asked, started):
    while True:
        asked.resolve()
        started.set()

for asked in (resolver, calling) * 4:
    started = threading.Event()
    threading.Thread(target=work, args=(asked, started), daemon=True).start()
    started.wait()
show("end")
"""

    assert ["end"] == shown(code)


@pytest.mark.parametrize("loop", [False, True], ids=["threads", "event loop"])
def test_hanging_calls_at_exit(loop: bool) -> None:
    """The process ends while calls hang and somebody waits for them."""
    wait = "lambda: asyncio.run(resolver.aresolve())" if loop else "resolver.resolve"
    code = f"""
store.open.clear()
for _ in range(4):
    threading.Thread(target={wait}, daemon=True).start()
store.called.wait()
show("end")
"""

    assert ["end"] == shown(code)


def test_a_refresh_at_exit() -> None:
    """The process ends while a refresh is under way."""
    code = """
clock = FakeClock()
resolver = resolver_of({"store": store}, clock=clock)
resolver.resolve()
store.open.clear()
store.called.clear()
clock.advance(290)
show(resolver.resolve().key)
store.called.wait()
"""

    assert ["test-key-1"] == shown(code)


def test_without_threads_the_call_is_made_at_once() -> None:
    """Where the system gives no thread, the caller makes the call itself, in a loop too."""
    code = """
def refuse(self):
    raise RuntimeError("can't start new thread")

threading.Thread.start = refuse
show(resolver.resolve().key)
show(asyncio.run(resolver_of({"store": store}).aresolve()).key)
"""

    assert ["test-key-1", "test-key-1"] == shown(code)


def test_without_threads_a_refresh_is_nobodys_business() -> None:
    """Nor is a caller who has an answer made to wait for another: the call is made when the answer is over."""
    code = """
def refuse(self):
    raise RuntimeError("can't start new thread")

clock = FakeClock()
resolver = resolver_of({"store": store}, clock=clock)
show(resolver.resolve().key)
threading.Thread.start = refuse
store.answer = Secret("test-key-2")
clock.advance(290)
show(f"{resolver.resolve().key} {store.calls}")
clock.advance(20)
show(f"{resolver.resolve().key} {store.calls}")
"""

    assert ["test-key-1", "test-key-1 1", "test-key-2 2"] == shown(code)


HANDLER = """
def handle(*_):
    show("handler " + resolver.resolve().key)

signal.signal(signal.SIGTERM, handle)
"""


def test_a_signals_handler_resolves_while_the_program_waits() -> None:
    """A handler may wait for the very call that the code it interrupts is waiting for."""
    code = f"""
{HANDLER}
store.open.clear()

def interrupt():
    store.called.wait()
    while not handling.wait(0.1):  # a signal that comes just before the wait does not end it
        signal.pthread_kill(threading.main_thread().ident, signal.SIGTERM)
    store.open.set()

def handle(*_):
    handling.set()
    show("handler " + resolver.resolve().key)

handling = threading.Event()
signal.signal(signal.SIGTERM, handle)
threading.Thread(target=interrupt).start()
show("program " + resolver.resolve().key)
show(store.calls)
"""

    assert ["handler test-key-1", "program test-key-1", "1"] == shown(code)


def test_a_signals_handler_resolves_in_the_middle_of_a_look() -> None:
    """A handler may come where a lock of ours is held, before a call and at a refresh."""
    code = f"""
{HANDLER}

class Interrupting(FakeClock):
    '''Has the signal come where the time is read, which is within a look.'''

    armed = True

    def time(self):
        if self.armed and threading.current_thread() is threading.main_thread():
            self.armed = False
            signal.raise_signal(signal.SIGTERM)
        return super().time()

clock = Interrupting()
resolver = resolver_of({{"store": store}}, clock=clock)
show("cold " + resolver.resolve().key)
clock.advance(290)
clock.armed = True
show("due " + resolver.resolve().key)
"""

    assert ["handler test-key-1", "cold test-key-1", "handler test-key-1", "due test-key-1"] == shown(code)


def test_a_signals_handler_resolves_at_every_line() -> None:
    """A handler may come at any line of ours, in a first call, a warm one and a refresh."""
    code = """
from lamini_creds import _answer, _call, _chain, _entry, _flight, _freshness, _link, _remote, _resolver, _walk
from lamini_creds.providers import env

OURS = (_answer, _call, _chain, _entry, _flight, _freshness, _link, _remote, _resolver, _walk, env)
FILES = {module.__file__ for module in OURS}

def interrupted(at):
    '''Resolve cold, warm and late, and interrupt each at the line of this number; say whether there is one.'''
    clock, store = FakeClock(), ScriptedProvider(Secret("test-key-1"))
    resolver = resolver_of({"store": store}, {"providers": ["env", "store"]}, clock=clock)
    reached = False
    for after in (0, 1, 290):
        clock.advance(after)
        lines = 0

        def trace(frame, event, _):
            nonlocal lines, reached
            if frame.f_code.co_filename not in FILES:
                return None
            if event == "line":
                lines += 1
                if lines == at:
                    reached = True
                    signal.raise_signal(signal.SIGTERM)
            return trace

        signal.signal(signal.SIGTERM, lambda *_: keys.add(resolver.resolve().key))
        sys.settrace(trace)
        keys.add(resolver.resolve().key)
        sys.settrace(None)
    return reached

keys, line = set(), 1
while interrupted(line):
    line += 1
show(f"{line > 100} {keys}")
"""

    assert ["True {'test-key-1'}"] == shown(code)


def test_an_interrupt_at_every_line_leaves_the_others_alone() -> None:
    """Ctrl-C may end a caller at any line of ours: the next one finds no lock taken and no call that nobody makes."""
    code = """
import linecache
from lamini_creds import _answer, _call, _chain, _entry, _flight, _freshness, _link, _rejections, _remote, _resolver, _walk
from lamini_creds.providers import env

OURS = (_answer, _call, _chain, _entry, _flight, _freshness, _link, _rejections, _remote, _resolver, _walk, env)
FILES = {module.__file__ for module in OURS}

def interrupted(at, after):
    '''Resolve after a while, cold or not, and end the caller at the line of this number; say whether there is one.'''
    clock, store = FakeClock(), ScriptedProvider(Secret("test-key-1"))
    resolver = resolver_of({"store": store}, {"providers": ["env", "store"], "deadline": 10.0}, clock=clock)
    if after:
        resolver.resolve()
        store.answer = Secret("test-key-2")
        clock.advance(after)
    lines = 0

    def trace(frame, event, _):
        nonlocal lines
        if frame.f_code.co_filename not in FILES:
            return None
        text = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
        if event == "line" and not text.startswith("with "):  # Python enters and leaves those without a gap
            lines += 1
            if lines == at:
                where.append(f"{frame.f_code.co_filename}:{frame.f_lineno}")
                raise KeyboardInterrupt
        return trace

    sys.settrace(trace)
    try:
        resolver.resolve()
    except KeyboardInterrupt:
        pass
    sys.settrace(None)
    if lines < at:
        return False
    clock.advance(after)
    got = []
    other = threading.Thread(target=lambda: got.append(resolver.explain()), daemon=True)
    other.start()
    other.join(20)
    if not (got and got[0].credential and store.calls <= 3 and resolver.resolve().key in ("test-key-1", "test-key-2")):
        show(f"{where[-1]}-{after}-{got and got[0].error}-{store.calls}")
    return True

where = []
for after in (0, 290, 4000):
    line = 1
    while interrupted(line, after):
        line += 1
show(line > 100)
"""

    assert ["True"] == shown(code)


@pytest.mark.parametrize("loop", [False, True], ids=["threads", "event loop"])
def test_an_interrupt_ends_the_waiting(loop: bool) -> None:
    """Ctrl-C ends a program that waits for a store, and the traceback is Python's own alone."""
    wait = "asyncio.run(resolver.aresolve())" if loop else "resolver.resolve()"
    code = f"""
store.open.clear()

def interrupt():
    store.called.wait()
    while not interrupted.wait(0.1):  # a signal that comes just before the wait does not end it
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)

def handle(*_):
    if not interrupted.is_set():
        interrupted.set()
        raise KeyboardInterrupt

interrupted = threading.Event()
signal.signal(signal.SIGINT, handle)
threading.Thread(target=interrupt).start()
try:
    {wait}
except KeyboardInterrupt:
    show("interrupted")
"""

    assert ["interrupted"] == shown(code)
