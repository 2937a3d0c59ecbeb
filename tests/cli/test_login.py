"""`lamini-creds login`: asked at a terminal, piped in, copied, verified; nothing of the key on any output."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Protocol

import pytest
import yaml
from click.testing import Result

from lamini_creds.testing import assert_no_leak

Command = Callable[..., Result]
Process = Callable[..., subprocess.CompletedProcess[str]]
Install = Callable[..., Path]

KEY = "test-key-c4n4ry9f8e7d"
PLUGIN = """
    from dataclasses import dataclass
    from lamini_creds import Secret, hookimpl

    @dataclass(frozen=True)
    class Cellar:
        '''A cellar.'''

        def provide(self, context):
            return Secret("test-key-of-" + context.profile, url="https://cellar.test", source="a cellar", expires_at={ends})

    @hookimpl
    def lamini_creds_register_provider():
        return Cellar
"""


class Terminal(Protocol):
    shown: str

    def expect(self, text: str) -> None: ...
    def type(self, line: str) -> None: ...
    def end(self) -> int: ...


Open = Callable[..., Terminal]


class Server:
    """A server that answers every request with one status, and notes what it was asked."""

    def __init__(
        self, status: int, headers: dict[str, str] | None = None, meanwhile: Callable[[], None] | None = None
    ) -> None:
        self.asked: list[tuple[str, str | None]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append((self.requestline, self.headers["Authorization"]))
                if meanwhile:
                    meanwhile()
                self.send_response(status)
                for name, value in (headers or {}).items():
                    self.send_header(name, value)
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its own name
                pass

        self._http = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,))
        self._thread.start()

    def stop(self) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    started: list[Server] = []

    def start(
        status: int, headers: dict[str, str] | None = None, meanwhile: Callable[[], None] | None = None
    ) -> Server:
        started.append(Server(status, headers, meanwhile))
        return started[-1]

    yield start
    for server in started:
        server.stop()


@pytest.fixture
def file(home: Path) -> Path:
    """The file of Lamini's docs."""
    return home / ".powerml" / "configure_llama.yaml"


@pytest.fixture
def pipe(clean: dict[str, str], project: Path) -> Process:
    """Run the command with a key on its standard input."""

    def run(key: str, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-W", "error", "-m", "lamini_creds", "login", "--stdin", *arguments],
            input=key, cwd=project, env=clean | environ, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip

    return run


def held(file: Path) -> object:
    return yaml.safe_load(file.read_text())


def test_the_first_login(terminal: Open, process: Process, file: Path) -> None:
    """A new user is asked, types the key unseen, and everything finds it from then on."""
    login = terminal("login")
    login.expect("Key for the profile production (it is not shown): ")
    login.type(KEY)
    status = login.end()
    report = process("explain")

    assert (0, {"production": {"key": KEY}}) == (status, held(file))
    assert [
        "Key for the profile production (it is not shown): ",
        f"stored in {file}",
        "profile      production",
        "URL          https://api.lamini.ai",
        "fingerprint  2d93ad80",
    ] == login.shown.splitlines()
    assert_no_leak(KEY, login.shown, report.stdout)
    assert f"key          yaml: {file}" in report.stdout


def test_nobody_else_can_read_it(pipe: Process, file: Path) -> None:
    """The file and the directory that are made are the user's alone."""
    pipe(KEY)

    if sys.platform != "win32":
        assert (0o700, 0o600) == (stat.S_IMODE(file.parent.stat().st_mode), stat.S_IMODE(file.stat().st_mode))


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (f'"{KEY}"', "error: the key has quotes around it\n"),
        (f"Bearer {KEY}", "error: the key starts with a header's words\n"),
        (f"{KEY} {KEY}", "error: character 22 of the key is a blank\n"),
        ("  ", "error: no key was given\n"),
    ],
)
def test_a_wrong_key(terminal: Open, file: Path, key: str, reason: str) -> None:
    """What the core would refuse is refused with its words, and nothing is written."""
    login = terminal("login")
    login.expect("(it is not shown): ")
    login.type(key)

    assert (2, False) == (login.end(), file.parent.exists())
    assert reason in login.shown
    assert_no_leak(KEY, login.shown)


def test_two_profiles(terminal: Open, file: Path) -> None:
    """Each profile has a section, with a URL where it needs one; the other's stays."""
    for arguments, key in ((["login"], KEY), (["login", "--profile", "lab", "--url", "localhost:8000"], "test-key-2")):
        login = terminal(*arguments)
        login.expect("(it is not shown): ")
        login.type(key)
        login.end()

    assert {"production": {"key": KEY}, "lab": {"key": "test-key-2", "url": "http://localhost:8000"}} == held(file)


def test_nothing_typed(terminal: Open, file: Path) -> None:
    """The end of the input is no key."""
    login = terminal("login")
    login.expect("(it is not shown): ")
    login.type("\x04")

    assert (2, False) == (login.end(), file.parent.exists())
    assert "error: the input ended before a key was given" in login.shown.splitlines()


def test_no_terminal(process: Process) -> None:
    """Where nobody can type unseen, nobody is asked."""
    done = process("login")

    assert (2, "error: there is no terminal to ask for the key") == (
        done.returncode,
        done.stderr.splitlines()[0],
    )
    assert "lamini-creds login --stdin" in done.stderr


def test_the_key_is_piped_in(pipe: Process, file: Path) -> None:
    """The key is what comes in, without the blanks around it."""
    done = pipe(f" {KEY}\r\n\n")

    assert (0, "", {"production": {"key": KEY}}) == (done.returncode, done.stderr, held(file))
    assert_no_leak(KEY, done.stdout)


def test_a_mark_before_the_key(pipe: Process, file: Path) -> None:
    """The byte order mark that PowerShell sends first is none of the key's."""
    assert (0, {"production": {"key": KEY}}) == (pipe(f"\ufeff{KEY}\r\n").returncode, held(file))


def test_stdin_at_a_terminal(terminal: Open) -> None:
    """A terminal would show what is typed to --stdin."""
    login = terminal("login", "--stdin")

    assert 2 == login.end()
    assert "error: --stdin would show the key as it is typed" in login.shown


@pytest.mark.parametrize(
    "arguments",
    [[KEY], [f"--key={KEY}"], ["--key", KEY], [f"--{KEY}"], ["--profile", "lab", KEY], ["-k", KEY], [f"-{KEY}"]],
    ids=lambda arguments: " ".join(arguments).replace(KEY, "KEY"),
)
def test_a_key_as_an_argument(command: Command, home: Path, arguments: list[str]) -> None:
    """A key among the arguments is refused and not repeated, with what to do about it."""
    done = command("login", *arguments)

    assert (2, []) == (done.exit_code, list(home.iterdir()))
    assert "A key is never an argument: if that was one, it now stands in the shell's history" in done.stderr
    assert_no_leak(KEY, done.output)


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (
            ["--url", "http://public.test"],
            "error: the URL is plain http to a public host, and the key would be readable",
        ),
        (["--url", KEY], "error: the URL has no scheme and no port"),
        (["--url", " "], "error: the URL passed is blank"),
        (["--profile", "lab"], "error: the profile 'lab' has no URL"),
        (["--profile", "a b"], "Usage: lamini-creds login [OPTIONS]"),
    ],
)
def test_what_the_core_refuses(pipe: Process, file: Path, arguments: list[str], reason: str) -> None:
    """A URL or a profile that no resolver would take is not stored."""
    done = pipe(KEY, *arguments)

    assert (2, reason, False) == (done.returncode, done.stderr.splitlines()[0], file.exists())
    assert_no_leak(KEY, done.stderr)


def test_where_the_profile_stands(pipe: Process, home: Path, file: Path) -> None:
    """The key goes to the file that has the profile's key, else its section, and keeps its URL and comments."""
    other = home / ".lamini" / "configure.yaml"
    other.parent.mkdir(mode=0o700)
    other.write_text("# mine\nproduction:\n  url: https://a.test # the server\n")
    other.chmod(0o600)
    section = pipe("test-key-1")
    pipe("test-key-2", "--profile", "staging")
    other.write_text(other.read_text() + "staging: {}\n")
    pipe("test-key-3", "--profile", "staging")

    assert f"stored in {other}" == section.stdout.splitlines()[0]
    assert (
        '# mine\nproduction:\n  key: "test-key-1"\n  url: https://a.test # the server\nstaging: {}\n'
        == other.read_text()
    )
    assert {"staging": {"key": "test-key-3"}} == held(file)


@pytest.mark.parametrize("text", ["production: [", "- a", "production: text"])
def test_a_broken_file_is_not_overwritten(pipe: Process, file: Path, text: str) -> None:
    """A file that can't be read is told as the core tells it, and left alone."""
    file.parent.mkdir(mode=0o700)
    file.write_text(text)
    file.chmod(0o600)
    done = pipe(KEY)

    assert (2, text) == (done.returncode, file.read_text())
    assert done.stderr.startswith(f"error: {file}: line ")


OPEN = pytest.mark.skipif(sys.platform == "win32", reason="modes and owners of POSIX")
AS_ROOT = pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="root gives files away")


def planted(file: Path, text: str, mode: int = 0o600, owner: int = -1) -> None:
    file.parent.mkdir(mode=0o700, exist_ok=True)
    file.write_text(text)
    file.chmod(mode)
    if owner >= 0:
        os.chown(file, owner, owner)


EXPOSED = [
    pytest.param(0o666, -1, "can be changed by other users", "chmod 600", marks=OPEN),
    pytest.param(0o644, 65534, "belongs to another user", 'chown "$(id -u)"', marks=[OPEN, AS_ROOT]),
]


@pytest.mark.parametrize(("mode", "owner", "reason", "command"), EXPOSED)
def test_a_stranger_s_url_gets_no_key(
    pipe: Process, serve: Callable[..., Server], file: Path, mode: int, owner: int, reason: str, command: str
) -> None:
    """A URL that somebody else may have written is asked nothing, and does not become the user's own."""
    server = serve(200)
    planted(file, text := f"production:\n  url: {server.url}\n", mode, owner)
    done = [pipe(KEY, "--verify"), pipe(KEY), pipe(KEY, "--url", "https://a.test"), pipe(KEY, "--profile", "local")]

    assert [] == server.asked
    assert ([2] * 4, text, mode) == ([d.returncode for d in done], file.read_text(), stat.S_IMODE(file.stat().st_mode))
    assert f"error: {file}: {reason}\n  Look at what it holds, at each URL above all; then run: {command} {file}\n" == (
        done[0].stderr
    )


@pytest.mark.parametrize(("mode", "owner", "reason", "command"), EXPOSED)
def test_a_logout_does_not_make_a_stranger_s_url_sound(
    process: Process, file: Path, mode: int, owner: int, reason: str, command: str
) -> None:
    """A file that others may have written is still theirs after a logout, with the key in it."""
    planted(file, text := "production:\n  key: test-key-1\n  url: https://a.test\n", mode, owner)
    done = process("logout")

    assert (2, text, mode) == (done.returncode, file.read_text(), stat.S_IMODE(file.stat().st_mode))
    assert f"error: {file}: {reason}\n" in done.stderr


@pytest.mark.parametrize("before", ["", "  url: {here}\n"], ids=["none", "another"])
def test_a_url_that_changes_while_the_server_is_asked(
    pipe: Process, serve: Callable[..., Server], file: Path, before: str
) -> None:
    """The key is not stored with a URL that it was neither given nor verified for."""
    after = "production:\n  key: test-key-2\n  url: https://other.test\n"
    server = serve(200, meanwhile=lambda: planted(file, after))
    planted(file, f"production:\n  key: test-key-1\n{before.format(here=server.url)}")
    done = pipe(KEY, "--verify", LAMINI_API_URL="" if before else server.url)

    assert [f"Bearer {KEY}"] == [header for _, header in server.asked]
    assert (2, after) == (done.returncode, file.read_text())
    assert f"error: {file}: its URL was changed meanwhile, and the key was not given for that one\n" in done.stderr


@pytest.mark.parametrize("text", ["", "# production:\n", "---\n"])
@pytest.mark.parametrize("name", [".powerml/configure_llama.yaml", ".lamini/configure.yaml"])
def test_an_empty_file_is_filled(pipe: Process, process: Process, home: Path, name: str, text: str) -> None:
    """A file that is empty but for comments, which the chain refuses, is where the key goes."""
    planted(home / name, text)
    done = pipe(KEY)

    assert (0, f"stored in {home / name}", "") == (done.returncode, done.stdout.splitlines()[0], done.stderr)
    assert (home / name).read_text().startswith(text)
    assert f"{KEY}\n" == process("get").stdout


def test_another_place_s_url_is_told_with_its_place(pipe: Process) -> None:
    """A URL that the key can't go to is told with the place that names it."""
    done = pipe(KEY, LAMINI_API_URL="http://public.test")

    assert done.stderr.startswith("error: LAMINI_API_URL: the URL is plain http to a public host")


@AS_ROOT
def test_the_home_directory_of_somebody_else(pipe: Process, home: Path) -> None:
    """Root makes no directory in another user's home: its owner would be shut out of it."""
    os.chown(home, 65534, 65534)
    done = pipe(KEY)

    assert (2, []) == (done.returncode, list(home.iterdir()))
    assert f"error: {home}: this directory belongs to another user\n" in done.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="modes of POSIX")
def test_a_directory_of_everybody_s(pipe: Process, file: Path) -> None:
    """Where others could put another file in its place, no key is stored."""
    file.parent.mkdir()
    file.parent.chmod(0o777)
    done = pipe(KEY)

    assert (2, False) == (done.returncode, file.exists())
    assert f"error: {file.parent}: other users can write to this directory\n  Run: chmod 700 " in done.stderr


def test_what_comes_first_is_told(pipe: Process) -> None:
    """A key that another place gives first is told, since the stored one has no effect."""
    done = pipe(KEY, LAMINI_API_KEY="test-key-2")

    assert 0 == done.returncode
    assert [
        "warning: env: LAMINI_API_KEY comes first: that key is used for the profile 'production'",
        "  See: lamini-creds explain --all",
    ] == done.stderr.splitlines()


def test_what_prevents_it_is_told(pipe: Process) -> None:
    """A key that can't be used beside what else is set is told with the reason."""
    done = pipe(KEY, "--url", "https://a.test", LAMINI_API_URL="https://b.test")

    assert 0 == done.returncode
    assert done.stderr.startswith("warning: the key is stored, and yet the profile 'production' gives none: ")
    assert "was stored with another URL than LAMINI_API_URL names" in done.stderr


def test_the_url_of_now_is_stored_too(pipe: Process, home: Path) -> None:
    """Where a variable names the server that the key is for, the key does not go elsewhere without the variable."""
    pipe(KEY, LAMINI_API_URL="https://a.test")
    stored = yaml.safe_load((home / ".powerml" / "configure_llama.yaml").read_text())

    assert {"production": {"key": KEY, "url": "https://a.test"}} == stored


def test_copied_from_the_environment(command: Command, file: Path) -> None:
    """--from stores what a provider finds, with the URL that it goes to."""
    done = command("login", "--from", "env", LAMINI_API_KEY=KEY, LAMINI_API_URL="https://a.test/v1/")

    assert (0, {"production": {"key": KEY, "url": "https://a.test/v1"}}) == (done.exit_code, held(file))
    assert_no_leak(KEY, done.output)


def test_copied_with_a_trusted_file_s_options(terminal: Open, process: Process, project: Path, file: Path) -> None:
    """A provider that gets its options from a project file which the user trusts is copied from."""
    helper = project.parent / "helper"
    helper.write_text('#!/bin/sh\necho \'{"version": 1, "key": "test-key-1", "url": "https://a.test"}\'\n')
    helper.chmod(0o700)
    table = f'[tool.lamini_creds.provider.exec]\ncommand = ["{helper}"]\n'
    (project / "pyproject.toml").write_text(f'[tool.lamini_creds]\nproviders = ["env", "exec"]\n{table}')
    refused = process("login", "--from", "exec")
    trusting = terminal("trust")
    trusting.expect("[y/N]: ")
    trusting.type("y")
    trusting.end()
    done = process("login", "--from", "exec")

    assert (2, True) == (refused.returncode, "needs your trust" in refused.stderr)
    assert (0, {"production": {"key": "test-key-1", "url": "https://a.test"}}) == (done.returncode, held(file))


def test_copied_with_a_variable_s_options(command: Command, install: Install, file: Path) -> None:
    """A provider that is in no chain gets its options from variables."""
    install("cellar", PLUGIN.replace("'''A cellar.'''", "shelf: str").format(ends="None"))
    done = command("login", "--from", "cellar", LAMINI_CREDS__CELLAR__SHELF="lowest")

    assert (0, {"production": {"key": "test-key-of-production", "url": "https://cellar.test"}}) == (
        done.exit_code,
        held(file),
    )


def test_copied_from_a_plugin(command: Command, install: Install, file: Path) -> None:
    """Any provider's key can be copied; one that ends is told."""
    install("cellar", PLUGIN.format(ends="4e9"))
    done = command("login", "--from", "cellar", "--profile", "lab")

    assert (0, {"lab": {"key": "test-key-of-lab", "url": "https://cellar.test"}}) == (done.exit_code, held(file))
    assert "warning: this key ends at 2096-10-02T07:06:40+00:00: the copy is not renewed" == done.stderr.splitlines()[0]


def test_a_copied_key_stays_with_its_server(command: Command, install: Install, home: Path) -> None:
    """A key that is stored with a URL is not copied for another one."""
    install("cellar", PLUGIN.format(ends="None"))
    done = command("login", "--from", "cellar", "--url", "https://other.test")

    assert (2, []) == (done.exit_code, list(home.iterdir()))
    assert "was stored with another URL" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--from", "env"], "error: no provider has a key for Lamini, profile 'production'"),
        (["--from", "wonder"], "error: wonder: nothing installed offers a provider 'wonder'"),
        (["--from", "a b"], "error: what to copy from is not a provider's name"),
        (["--from", "explicit"], "error: what to copy from is not a provider's name"),
        (["--from", "env", "--stdin"], "Error: --stdin and --from both say where the key is from: give one of them"),
    ],
)
def test_nothing_to_copy(command: Command, home: Path, arguments: list[str], reason: str) -> None:
    """A provider that has no key, or is none, is told; nothing is written."""
    done = command("login", *arguments)

    assert (2, []) == (done.exit_code, list(home.iterdir()))
    assert reason in done.stderr


def test_verified(pipe: Process, serve: Callable[..., Server], file: Path) -> None:
    """The server is asked once, with the key, and its answer is told."""
    server = serve(200)
    done = pipe(KEY, "--verify", "--url", server.url)

    assert [("GET /v1/version HTTP/1.1", f"Bearer {KEY}")] == server.asked
    assert (0, f"the server at {server.url} takes the key") == (done.returncode, done.stdout.splitlines()[0])
    assert {"production": {"key": KEY, "url": server.url}} == held(file)


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_is_not_stored(pipe: Process, serve: Callable[..., Server], file: Path, status: int) -> None:
    """What the server refuses is told with status 1, and not stored."""
    server = serve(status)
    done = pipe(KEY, "--verify", "--url", server.url)

    assert (1, False) == (done.returncode, file.exists())
    assert f"error: {server.url}/v1/version: the server refuses this key ({status})" == done.stderr.splitlines()[0]
    assert_no_leak(KEY, done.stderr)


def test_a_server_that_says_neither(pipe: Process, serve: Callable[..., Server], file: Path) -> None:
    """Where the server can't say whether it takes the key, nothing is stored: status 2."""
    done = pipe(KEY, "--verify", "--url", serve(503).url)

    assert (2, False) == (done.returncode, file.exists())


def test_many_logins_at_once(clean: dict[str, str], project: Path, file: Path) -> None:
    """Logins that run at the same time lose nothing of each other."""
    logins = [
        subprocess.Popen(
            [sys.executable, "-m", "lamini_creds", "login", "--stdin", "--profile", f"p{number}", "--url", "https://a.test"],
            stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, cwd=project, env=clean, text=True,
        )
        for number in range(6)
    ]  # fmt: skip
    for number, login in enumerate(logins):
        login.communicate(f"test-key-{number}", timeout=60)

    assert {f"p{number}": {"key": f"test-key-{number}", "url": "https://a.test"} for number in range(6)} == held(file)


def test_an_untrusted_project_file_has_no_say(pipe: Process, project: Path, file: Path) -> None:
    """Below a project file that asks for trust nothing is stored before that is given."""
    (project / "pyproject.toml").write_text('[tool.lamini_creds]\nhttp = "any"')
    done = pipe(KEY, "--url", "http://public.test")

    assert (2, False) == (done.returncode, file.exists())
    assert "needs your trust" in done.stderr
