"""Six journeys of a new user at a terminal; what is shown on the way is what a page of the documentation shows."""

from __future__ import annotations

import re
import shlex
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Protocol

import pytest

from lamini_creds import Resolver
from lamini_creds.testing import assert_no_leak

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r"<!-- journey -->\n```text\n(.*?)```", re.DOTALL)
ASKED = "(it is not shown): "
WIPED = re.compile(r"[^\n]*\n\x1b\[\?25h\r\x1b\[1A\x1b\[2K")
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\r")
BETWEEN = re.compile(r"[\u2500-\u257f]+| {2,}|\d+\.\d\d ms")


class Terminal(Protocol):
    shown: str

    def expect(self, text: str) -> None: ...
    def type(self, line: str) -> None: ...
    def end(self) -> int: ...


class Server:
    """A server that takes one key, of whatever version it is asked."""

    def __init__(self, key: str) -> None:
        self.key = key
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200 if self.headers["Authorization"] == f"Bearer {server.key}" else 401)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its own name
                pass

        self.http = HTTPServer(("127.0.0.1", 0), Handler)
        self.port = str(self.http.server_port)


class Person:
    """
    Somebody at a terminal, who types commands as the pages write them, and keys where one is asked for.

    Args:
        terminal: Starts a command in a terminal.
        elsewhere: What is another way on this machine than on the pages, and what the pages say.
    """

    def __init__(self, terminal: Callable[..., Terminal], elsewhere: dict[str, str]) -> None:
        self.statuses: list[int] = []
        self.session = ""
        self._terminal = terminal
        self._elsewhere = elsewhere
        self._environ = {"COLUMNS": "300"}  # no line is broken, however long the paths are here

    def exports(self, name: str, value: str) -> None:
        """Set a variable for the commands that follow."""
        self._environ[name] = value
        self.session += f"$ export {name}={value}\n"

    def runs(self, arguments: str, key: str = "") -> None:
        """Run lamini-creds, type a key if it is to ask for one, and look at what it shows."""
        running = self._terminal(*shlex.split(arguments), **self._environ)
        if key:
            running.expect(ASKED)
            running.type(key)
        self.statuses.append(running.end())
        if key:
            assert_no_leak(key, running.shown)
        shown = f"$ lamini-creds {arguments}\n{WIPED.sub('', running.shown)}"
        for ours, theirs in self._elsewhere.items():
            shown = shown.replace(ours, theirs)
        self.session += shown


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server("test-key-2")
    thread = threading.Thread(target=server.http.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.http.shutdown()
    thread.join()
    server.http.server_close()


@pytest.fixture
def person(terminal: Callable[..., Terminal], home: Path, project: Path, server: Server) -> Person:
    """A person whose machine has nothing of ours on it yet."""
    ours, theirs = f"localhost:{server.port}", "localhost:8000"
    elsewhere = {str(home): "/home/you", str(project): "/home/you/project", ours: theirs}
    for key in ("test-key-2", "test-key-3"):
        elsewhere[fingerprint(key, ours)] = fingerprint(key, theirs)
    return Person(terminal, elsewhere)


@pytest.fixture
def file(home: Path) -> Path:
    """The file that login writes."""
    return home / ".powerml" / "configure_llama.yaml"


def fingerprint(key: str, url: str) -> str:
    return Resolver(environ={}).resolve(key=key, url=url).fingerprint


def told(page: str) -> list[str]:
    """Give the lines that a page shows of a journey."""
    return lines("".join(BLOCK.findall((DOCS / page).read_text())))


def lines(session: str) -> list[str]:
    """Give what is to be read in a session: no colours, no frames, no gaps, no times."""
    plain = (BETWEEN.sub("  ", line) for line in CONTROL.sub("", session).splitlines())
    return [re.sub(r" {2,}", "  ", line).strip() for line in plain if line.strip()]


def test_first_login(person: Person) -> None:
    """Where no key is, the command that stores one is named; the key that it asks for is found from then on."""
    person.runs("explain")
    person.runs("login", "test-key-1")
    person.runs("explain")

    assert [1, 0, 0] == person.statuses
    assert told("tutorial.md") == lines(person.session)


def test_finding_out_why(person: Person) -> None:
    """A variable of the wrong name is told of, and so is one that hides the key just stored."""
    person.exports("LAMINI_KEY", "test-key-4")
    person.runs("explain")
    person.exports("LAMINI_API_KEY", "test-key-4")
    person.runs("login", "test-key-1")
    person.runs("explain --all")

    assert [1, 0, 0] == person.statuses
    assert told("how-to/find-out-why.md") == lines(person.session)


def test_a_wrong_key(person: Person, server: Server) -> None:
    """A key that the server refuses is not stored; the right one is."""
    person.runs(f"login --profile lab --url localhost:{server.port} --verify", "test-key-1")
    person.runs("explain --profile lab")
    person.runs(f"login --profile lab --url localhost:{server.port} --verify", "test-key-2")

    assert [1, 1, 0] == person.statuses
    assert told("how-to/wrong-key.md") == lines(person.session)


def test_two_profiles(person: Person) -> None:
    """Each profile has its key and URL; one is picked by an option or a variable, and one goes alone."""
    person.runs("login", "test-key-1")
    person.runs("login --profile lab --url localhost:8000", "test-key-2")
    person.runs("explain --profile lab")
    person.exports("LAMINI_CREDS_PROFILE", "lab")
    person.runs("get --field url")
    person.runs("run --profile production -- printenv LAMINI_API_URL")
    person.runs("logout")
    person.runs("explain --profile production")

    assert [0, 0, 0, 0, 0, 0, 0] == person.statuses
    assert told("how-to/two-profiles.md") == lines(person.session)


def test_a_rotated_key(person: Person, server: Server) -> None:
    """A key that the server no longer takes is told from a good one, and replaced, its URL kept."""
    person.runs(f"login --profile lab --url localhost:{server.port} --verify", "test-key-2")
    server.key = "test-key-3"
    person.runs("login --profile lab --from yaml --verify")
    person.runs("login --profile lab --verify", "test-key-3")

    assert [0, 1, 0] == person.statuses
    assert told("how-to/rotate-a-key.md") == lines(person.session)


def test_a_broken_file(person: Person, file: Path) -> None:
    """The line is named, nobody is asked for a key that could not be stored, and the mended file is read."""
    file.parent.mkdir(mode=0o700)
    file.touch(0o600)
    file.write_text("production:\n\tkey: test-key-1\n")
    person.runs("explain")
    person.runs("login")
    file.write_text("production:\n    key: test-key-1\n")
    person.runs("explain")

    assert [2, 2, 0] == person.statuses
    assert told("how-to/broken-file.md") == lines(person.session)
