"""The provider `exec`: which program is asked and how, what its answers mean, and what of them is never shown."""

from __future__ import annotations

import json
import logging
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import pytest

import lamini_creds
from lamini_creds import (
    Context,
    CredentialError,
    Outcome,
    ProviderDenied,
    ProviderInvalid,
    ProviderUnavailable,
    ProviderUnsupported,
    Resolver,
    Secret,
    UntrustedConfigError,
)
from lamini_creds._claim import Claim
from lamini_creds._credential import Hidden
from lamini_creds._protocol import VARIABLE
from lamini_creds.providers.exec import ExecProvider
from lamini_creds.testing import assert_no_leak

if TYPE_CHECKING:
    from collections.abc import Callable

    Helper = Callable[[str], str]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="helpers need process groups")

ROOT = Path(lamini_creds.__file__).parents[1]
CANARY = "test-key-c4n4ry9f8e7d"
FOUND = '{"version": 1, "key": "test-key-1"}'
PATH = os.environ["PATH"]


@pytest.fixture
def helper(tmp_path: Path) -> Helper:
    """Write a helper in the shell's language, and give its path."""

    def write(script: str) -> str:
        path = tmp_path / "helper"
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o700)
        return str(path)

    return write


def provide(
    command: str | tuple[str, ...], seconds: float = 20, /, *, passed: tuple[str, ...] = (), **given: Any
) -> Secret | None:
    """Ask a helper as the chain would."""
    words = (command,) if isinstance(command, str) else command
    given.setdefault("environ", {"PATH": PATH})
    return ExecProvider(words, passed).provide(Context(deadline=monotonic() + seconds, **given))


def refused(kind: type[CredentialError], command: str | tuple[str, ...], seconds: float = 20) -> CredentialError:
    """Ask a helper that fails, and give the error."""
    with pytest.raises(kind) as caught:
        provide(command, seconds)
    return caught.value


def says(answer: object) -> str:
    """Give a line of a helper that answers this."""
    return f"cat <<'END'\n{answer if isinstance(answer, str) else json.dumps(answer)}\nEND"


def test_found_with_all_there_is_to_say(helper: Helper) -> None:
    """A helper may give URL, expiry, source and version beside the key."""
    answer = {
        "version": 1,
        "key": "test-key-1",
        "url": "https://lamini.example.com",
        "expires_at": "2100-01-31T12:00:00Z",
        "source": "safe: lamini",
        "secret_version": "7",
    }
    path = helper(says(answer))
    credential = Resolver(
        {"providers": ["exec"], "provider": {"exec": {"command": [path]}}}, environ={"PATH": PATH}
    ).resolve()

    assert ("test-key-1", "https://lamini.example.com") == (credential.key, credential.url)
    assert (f"{path}: safe: lamini", "7") == (credential.source, credential.version)
    assert datetime(2100, 1, 31, 12, tzinfo=UTC) == credential.expires_at


def test_a_key_that_has_expired_is_refused(helper: Helper) -> None:
    """An expiry in the past makes the answer INVALID."""
    path = helper(says({"version": 1, "key": "test-key-1", "expires_at": "2001-01-01T00:00:00+02:00"}))
    settings = {"providers": ["exec"], "provider": {"exec": {"command": [path]}}}

    assert "the key has expired" in str(Resolver(settings, environ={"PATH": PATH}).explain().error)


def test_missing_asks_the_next_entry(helper: Helper) -> None:
    """Status 3 is a miss, and the chain goes on."""
    settings = {"providers": ["exec", "env"], "provider": {"exec": {"command": [helper("exit 3")]}}}
    resolution = Resolver(settings, environ={"PATH": PATH, "LAMINI_API_KEY": "test-key-1"}).explain()

    assert [Outcome.MISS, Outcome.FOUND] == [attempt.outcome for attempt in resolution.attempts[1:]]
    assert "the helper has no key" == resolution.attempts[1].reason


@pytest.mark.parametrize(
    ("end", "kind", "reason"),
    [
        pytest.param("exit 4", ProviderDenied, "is refused the key (it exited with 4)", id="denied"),
        pytest.param("exit 5", ProviderUnavailable, "has no answer from its own store (it exited with 5)", id="down"),
        pytest.param("exit 255", ProviderUnavailable, "has no connection (it exited with 255)", id="ssh"),
        pytest.param("exit 2", ProviderInvalid, "what it found can't be used (it exited with 2)", id="invalid"),
        pytest.param("exit 1", ProviderInvalid, "has no answer (it exited with 1)", id="broken"),
        pytest.param("exit 77", ProviderInvalid, "has no answer (it exited with 77)", id="unknown"),
        pytest.param("kill -9 $$", ProviderInvalid, "has no answer (signal 9 ended it)", id="signal"),
    ],
)
def test_a_status_is_an_outcome(end: str, kind: type[CredentialError], reason: str, helper: Helper) -> None:
    """Each status has its outcome, whatever was printed before; one that means nothing is INVALID."""
    path = helper(f"{says(FOUND)}\n{end}")
    error = refused(kind, path)

    assert (kind, path, reason) == (type(error), error.place, error.reason)


@pytest.mark.parametrize("answer", ["", CANARY, f'{{"key": "{CANARY}"}}', f'{{"version": 1, "{CANARY}": "{CANARY}"}}'])
def test_a_malformed_answer(answer: str, helper: Helper, caplog: pytest.LogCaptureFixture) -> None:
    """What is no answer is INVALID at the program's place, and shows nowhere."""
    caplog.set_level(logging.DEBUG)
    path = helper(says(answer))
    error = refused(ProviderInvalid, path)

    assert (path, True) == (error.place, bool(error.remedy))
    assert_no_leak(CANARY, error, caplog.records)


def test_a_hanging_helper_is_unavailable(helper: Helper) -> None:
    """At its deadline the provider comes back, UNAVAILABLE, at the program's place."""
    path = helper("sleep 60")
    error = refused(ProviderUnavailable, path, 0.5)

    assert ("no answer in time", path) == (error.reason, error.place)


def test_too_long_an_answer_is_invalid(helper: Helper) -> None:
    """An answer of more than 64 KiB is INVALID."""
    assert "answered with more than 64 KiB" == refused(ProviderInvalid, helper("yes")).reason


@pytest.mark.parametrize("status", [1, 4, 5])
def test_a_complaint_is_told_in_words_of_ours(status: int, helper: Helper) -> None:
    """Of the last line on the standard error stream those words are told that a fixed list has."""
    said = f"echo first >&2; echo 'store: {CANARY}: Permission denied for user ada' >&2; exit {status}"

    assert refused(CredentialError, helper(said)).reason.endswith(
        ', saying "store ... permission denied for user ...")'
    )


def test_a_complaint_shows_nothing_else(helper: Helper, caplog: pytest.LogCaptureFixture) -> None:
    """A key that a failing helper complains with gets neither into the error nor into the log."""
    caplog.set_level(logging.DEBUG)
    error = refused(ProviderDenied, helper(f"set -x; echo '{CANARY}'; echo 'token={CANARY} denied' >&2; exit 4"))

    assert_no_leak(CANARY, error, caplog.records)


def test_what_a_helper_says_while_it_finds_goes_nowhere(helper: Helper, capfd: pytest.CaptureFixture[str]) -> None:
    """The standard error stream of a helper that succeeds is nobody's business."""
    secret = provide(helper(f"echo noise >&2; {says(FOUND)}"))

    assert secret is not None
    assert "test-key-1" == secret.key
    assert ("", "") == capfd.readouterr()


def test_a_helper_s_environment_is_small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A helper gets PATH, HOME, the profile, the protocol's version and what is passed on, and nothing else."""
    monkeypatch.setenv("LAMINI_API_KEY", CANARY)
    code = "import json, os; print(json.dumps({'version': 1, 'key': 'test-key-1', 'source': ' '.join(sorted({*os.environ} - {'LC_CTYPE'}))}))"
    environ = {"PATH": PATH, "LAMINI_API_KEY": CANARY, "LD_PRELOAD": "", "TOKEN": "t", "OTHER": "o", "HOME": "/nowhere"}
    secret = provide((sys.executable, "-c", code), environ=environ, home=tmp_path, passed=("TOKEN", "ABSENT"))

    assert secret is not None
    assert f"{sys.executable}: HOME LAMINI_CREDS_PROFILE {VARIABLE} PATH TOKEN" == secret.source


def test_the_profile_is_told(helper: Helper) -> None:
    """The profile stands in a variable, and in the arguments where these say so."""
    script = 'printf \'{"version": 1, "key": "test-key-1", "source": "%s"}\' "$LAMINI_CREDS_PROFILE $* $PWD"'
    secret = provide((helper(script), "--as={profile}", "{other}"), profile="staging")

    assert secret is not None
    assert secret.source.endswith(": staging --as=staging {other} /")


def test_no_shell_reads_the_command(helper: Helper) -> None:
    """Words of the command are arguments as they are."""
    script = 'printf \'{"version": 1, "key": "test-key-1", "source": "%s"}\' "$# $1"'
    secret = provide((helper(script), "$HOME; $(id) *"))

    assert secret is not None
    assert secret.source.endswith(": 1 $HOME; $(id) *")


@pytest.mark.parametrize("path", [".", "", ".:", None])
def test_the_working_directory_holds_no_helper(
    path: str | None, helper: Helper, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name is looked up on the PATH's absolute directories alone."""
    monkeypatch.chdir(Path(helper(says(FOUND))).parent)
    with pytest.raises(ProviderInvalid, match="the option 'command': the command is not found on PATH"):
        provide("helper", environ={} if path is None else {"PATH": path})


def test_a_name_is_looked_up_on_the_path(helper: Helper) -> None:
    """A bare name is looked up on the PATH of the context."""
    path = helper(says(FOUND))
    secret = provide("helper", environ={"PATH": f"/nonexistent:{Path(path).parent}:{PATH}"})

    assert secret is not None
    assert path == secret.source


def test_a_path_below_the_home_directory(helper: Helper) -> None:
    """A path may start with '~/'."""
    path = Path(helper(says(FOUND)))
    secret = provide("~/helper", environ={"PATH": PATH}, home=path.parent)

    assert secret is not None
    assert str(path) == secret.source


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("./helper", "the option 'command': is not an absolute path"),
        ("sub/helper", "the option 'command': is not an absolute path"),
        ("~/helper", "~/helper: there is no home directory"),
        ("/nonexistent/helper", "/nonexistent/helper: there is no such file"),
        ("/etc", "/etc: there is no such file"),
        ("/etc/passwd", "/etc/passwd: can't be started (Permission denied)"),
        ("/etc/\0", "/etc/\\x00: is not an absolute path"),
        (CANARY, "the option 'command': the command is not found on PATH"),
    ],
)
def test_a_command_that_can_t_be_run(command: str, message: str) -> None:
    """What can't be run is INVALID; a word that is no path from the root is not repeated."""
    assert str(refused(ProviderInvalid, command)).startswith(message)


def test_a_program_that_is_none(tmp_path: Path) -> None:
    """A file that may be executed and is no program is INVALID."""
    path = tmp_path / "helper"
    path.write_text("no program")
    path.chmod(0o700)

    assert "can't be started (Exec format error)" == refused(ProviderInvalid, str(path)).reason


def test_an_argument_that_no_program_can_get(helper: Helper) -> None:
    """A NUL in an argument is INVALID."""
    assert "can't be started (ValueError)" == refused(ProviderInvalid, (helper("exit 3"), "a\0b")).reason


def test_the_command_must_be_named() -> None:
    """An entry without the option names it, and the table where it belongs."""
    error = Resolver({"providers": ["exec"]}, environ={}).explain().error

    assert error is not None
    assert ("exec needs the option 'command'", "Set it in [tool.lamini_creds.provider.exec].") == (
        error.reason,
        error.remedy,
    )


@pytest.mark.parametrize("command", [[], "helper", [5]])
def test_a_command_is_a_list_of_words(command: object) -> None:
    """A command line in one text would need a shell; it is a list, of one word at least."""
    settings = {"providers": ["exec"], "provider": {"exec": {"command": command}}}

    assert "command: has the wrong type or value" in str(Resolver(settings, environ={}).explain().error)


def test_it_is_in_no_default_order() -> None:
    """Where nobody names it, it is not asked."""
    assert "exec" not in [attempt.entry for attempt in Resolver({}, environ={}).explain().attempts]


@pytest.mark.parametrize(
    "table",
    ['providers = ["exec"]', '[tool.lamini_creds.provider.exec]\ncommand = ["/bin/true"]'],
    ids=["order", "command"],
)
def test_a_checkout_can_t_name_it(table: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A project file that nobody trusts neither adds the entry nor names its command."""
    (tmp_path / "pyproject.toml").write_text(f"[tool.lamini_creds]\n{table}\n")
    monkeypatch.chdir(tmp_path)

    assert isinstance(Resolver(environ={}, home=tmp_path / "home").explain().error, UntrustedConfigError)


def test_trust_ends_when_the_helper_of_a_checkout_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A trusted project file may name a helper of its checkout, until that is edited."""
    home, checkout = tmp_path / "home", tmp_path / "checkout"
    for directory in (home, checkout / ".git"):
        directory.mkdir(parents=True)
    path = checkout / "helper"
    path.write_text(f"#!/bin/sh\n{says(FOUND)}\n")
    path.chmod(0o700)
    table = {"providers": ["exec"], "provider": {"exec": {"command": [str(path)]}}}
    (checkout / "pyproject.toml").write_text(
        f"[tool.lamini_creds]\nproviders = ['exec']\n[tool.lamini_creds.provider.exec]\ncommand = ['{path}']\n"
    )
    claim = Claim(Hidden(table), str(checkout / "pyproject.toml"), Hidden({}), str(home))
    assert claim.store
    assert isinstance(claim.fingerprint, str)
    claim.store.put(claim.path, claim.fingerprint)
    monkeypatch.chdir(checkout)
    trusted = Resolver(environ={"PATH": PATH}, home=home).explain()
    path.write_text(f"#!/bin/sh\n# edited\n{says(FOUND)}\n")

    assert trusted.credential is not None
    assert isinstance(Resolver(environ={"PATH": PATH}, home=home).explain().error, UntrustedConfigError)


def test_a_helper_starts_none(helper: Helper) -> None:
    """A helper whose own chain starts it again would never end: the second one is refused."""
    with pytest.raises(ProviderInvalid, match="this process is a helper, which starts none"):
        provide(helper(says(FOUND)), environ={"PATH": PATH, VARIABLE: "1"})


@pytest.mark.parametrize("platform", ["win32", "emscripten", "wasi"])
def test_a_platform_without_groups(platform: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a program and its children can't be ended together, the provider is UNSUPPORTED."""
    monkeypatch.setattr(sys, "platform", platform)
    with pytest.raises(ProviderUnsupported, match="can't be ended together on this platform"):
        provide("/bin/true")


def other_machine(home: Path, *arguments: str) -> tuple[str, ...]:
    """Give the command that asks lamini-creds of a home directory of its own, as ssh would."""
    cleared = ("env", "-i", f"PATH={PATH}", f"HOME={home}", f"PYTHONPATH={ROOT}")
    return (*cleared, sys.executable, "-m", "lamini_creds", "get", "--format", "json", *arguments)


def test_another_machine_s_lamini_creds_is_a_helper(tmp_path: Path) -> None:
    """`get --format json` over there is `exec` over here: key, URL and where they were found."""
    (tmp_path / ".lamini").mkdir(mode=0o700)
    file = tmp_path / ".lamini" / "configure.yaml"
    file.touch(mode=0o600)
    file.write_text("staging: {key: test-key-2, url: https://lamini.example.com}")
    command = other_machine(tmp_path, "--profile", "{profile}")
    settings = {"providers": ["exec"], "provider": {"exec": {"command": list(command), "timeout": 30}}}
    credential = Resolver(settings | {"deadline": 30}, environ={"PATH": PATH}).resolve(profile="staging")

    assert ("test-key-2", "https://lamini.example.com") == (credential.key, credential.url)
    assert credential.source.endswith(f"/env: yaml: {file}")


@pytest.mark.parametrize(
    ("setting", "kind", "status"),
    [
        pytest.param("", None, 3, id="missing"),
        pytest.param('command = ["sh", "-c", "exit 4"]', ProviderDenied, 4, id="denied"),
        pytest.param('command = ["sh", "-c", "exit 5"]', ProviderUnavailable, 5, id="unavailable"),
        pytest.param('command = ["sh", "-c", "exit 1"]', ProviderInvalid, 2, id="invalid"),
        pytest.param("comand = 1", ProviderInvalid, 2, id="configuration"),
    ],
)
def test_another_machine_s_failure_is_ours(
    setting: str, kind: type[CredentialError] | None, status: int, tmp_path: Path
) -> None:
    """Each way to fail over there is the same one over here."""
    config = tmp_path / ".config" / "lamini_creds" / "config.toml"
    config.parent.mkdir(parents=True)
    if setting:
        config.write_text(f'providers = ["exec"]\n[provider.exec]\n{setting}')
    if kind is None:
        secret = provide(other_machine(tmp_path), 30)

        assert secret is not None
        assert (None, "the helper has no key") == (secret.key, secret.reason)
    else:
        assert f"it exited with {status}" in refused(kind, other_machine(tmp_path), 30).reason
