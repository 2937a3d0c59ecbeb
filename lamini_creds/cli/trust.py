"""`lamini-creds trust`: show what a project file may not set by itself, ask, and remember the answer."""

from __future__ import annotations

import json
import os
import shutil
import sys
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import click

from lamini_creds import _config, _toml, _trust
from lamini_creds._claim import Claim
from lamini_creds._config import User
from lamini_creds._credential import Hidden
from lamini_creds._layers import layer
from lamini_creds._outcome import Problem
from lamini_creds._setup import home_directory
from lamini_creds._text import printable
from lamini_creds.cli import _output
from lamini_creds.cli._command import Command
from lamini_creds.errors import ConfigError, CredentialError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from lamini_creds._trust import Wanted

T = TypeVar("T")

_MARGIN = "    "
_NARROWEST = 20
_MOST_LINES = 100  # the fewest that a terminal with a memory keeps


class _Plea(NamedTuple):
    """
    A project file with what it needs trust for, all of it as it was read once.

    Attributes:
        claim: Its table.
        settings: Each setting that needs trust, and its value as JSON.
        files: The files of the checkout that the table names.
        fingerprint: What the trust is in.
        standing: "trusted", "changed" since, "unknown", or "not needed".
    """

    claim: Claim
    settings: dict[str, str]
    files: list[str]
    fingerprint: str
    standing: str


@click.command(cls=Command, short_help="Show what a project's file sets, ask, and trust it.")
@click.option("--show", is_flag=True, help="Show the settings and whether they are trusted, and ask nobody.")
@click.option("--revoke", is_flag=True, help="End the trust in the file.")
@click.option("--json", "as_json", is_flag=True, help="With --show: print JSON.")
@click.argument("file", required=False, type=click.Path())
def trust(*, show: bool, revoke: bool, as_json: bool, file: str | None) -> None:
    """
    Trust the settings of a project's FILE; by default the nearest pyproject.toml that has some.

    All settings that need it are shown, with their values. The trust is in
    these very values, at this very path: an edit ends it. Only a person at a
    terminal can give it; elsewhere, name the file: LAMINI_CREDS_CONFIG=FILE.

    Exit status: 0 trusted, or no trust is needed, or it is ended; 1 not trusted; 2 anything wrong.
    """
    if (show and revoke) or (as_json and not show):
        raise click.UsageError("give one of --show and --revoke; --json is for --show")
    environ: Hidden[Mapping[str, str]] = Hidden(os.environ)
    user = User(environ, home_directory(environ, own=True))
    try:
        path = _absolute(file) if file else _nearest(user)
        if revoke:
            trusted = _revoke(path, user)
        else:
            plea = _plea(path, user)
            trusted = _show(plea, as_json=as_json) if show else _ask(plea)
    except CredentialError as error:
        _output.error(error)
        sys.exit(2)
    sys.exit(0 if trusted else 1)


def _absolute(file: str) -> str:
    try:
        return os.path.abspath(file)
    except OSError:
        reason = "is not an absolute path, and there is no working directory"
    raise ConfigError(reason, place="FILE", remedy="Write it from the root.")


def _nearest(user: User) -> str:
    for path in _config._project_files(user.home):
        content = _config.file_content(path, project=True)
        if content and _toml.our_table(content, path, project=True):
            return path
    raise ConfigError(
        f"from this directory upwards there is no project file with a table [{_toml.TABLE}]",
        remedy="Name one: lamini-creds trust FILE",
    )


def _plea(path: str, user: User) -> _Plea:
    """Read the file, once: what is shown, what is asked about and what is remembered are the same."""
    source = printable(path)
    content = _config.file_content(path, must_exist=True)
    found = content and _toml.our_table(content, path, project=True)
    if not found:
        raise ConfigError(f"has no table [{_toml.TABLE}]", place=source, remedy="It needs no trust.")
    ours, table = found
    checked, claim = layer(ours, source, table), Claim(ours, path, user.environ, user.home)
    settings = {_name(wanted): _value(wanted.value) for wanted in _trust.beyond_order(ours, table)}
    trusted = _config.read(None, None, user.environ, user.home, search=False)
    if any(_trust.new_entries(checked, trusted)):
        order = checked.base.top["providers"]
        settings[f"[{table}] providers"] = _value(Hidden(order.value))
    standing, fingerprint = _sound(claim.standing, source), _sound(claim.fingerprint, source)
    files = sorted({file for file, _ in _sound(claim.files, source)})
    return _Plea(claim, settings, files, fingerprint, standing if settings else "not needed")


def _sound(value: T | Problem, place: str) -> T:
    if isinstance(value, Problem):
        raise ConfigError(value.reason, place=place, remedy=value.remedy)
    return value


def _name(wanted: Wanted) -> str:
    return f"[{wanted.table}] {printable(wanted.option)}"


def _value(value: Hidden[object]) -> str:
    """Write a value in ASCII: nothing in it moves the cursor, and no letter looks like another."""
    try:
        return json.dumps(value.value, default=str, allow_nan=False)
    except ValueError:  # TOML has numbers that JSON has not
        return json.dumps(str(value.value))


def _show(plea: _Plea, *, as_json: bool) -> bool:
    trusted = plea.standing in ("trusted", "not needed")
    if as_json:
        settings = [{"setting": name, "value": json.loads(value)} for name, value in plea.settings.items()]
        report = {"file": plea.claim.path, "standing": plea.standing, "settings": settings, "files": plea.files}
        _output.as_json(report)
    else:
        _print(_lines(plea))
    return trusted


def _ask(plea: _Plea) -> bool:
    if plea.standing in ("trusted", "not needed"):
        return _show(plea, as_json=False)
    if not (_output.on_terminal(sys.stdin) and _output.on_terminal(sys.stdout)):
        raise ConfigError(
            "there is no terminal, and only a person can trust a file",
            place=printable(plea.claim.path),
            remedy="Where no one can be asked, name the file instead: LAMINI_CREDS_CONFIG=FILE",
        )
    lines = list(islice(_lines(plea), _MOST_LINES + 1))
    if len(lines) > _MOST_LINES:
        raise ConfigError(
            f"what needs trust fills more than {_MOST_LINES} lines here, and its beginning would be out of sight",
            place=printable(plea.claim.path),
            remedy="Read it all: lamini-creds trust --show; if you trust it, name the file: LAMINI_CREDS_CONFIG=FILE",
        )
    _print(lines)
    many = len(plea.settings) > 1
    if not click.confirm(f"Trust {'these' if many else 'this'} {len(plea.settings)} setting{'s' * many}?"):
        _output.line("not trusted")
        return False
    _keep(plea.claim, plea.fingerprint)
    _output.line("trusted, until it is edited; lamini-creds trust --revoke ends it")
    return True


def _revoke(path: str, user: User) -> bool:
    claim = Claim(Hidden({}), path, user.environ, user.home)
    if not (claim.store and _sound(claim.store.get(claim.path), "")):
        _output.line("it was not trusted")
        return False
    _keep(claim, None)
    _output.line("no longer trusted")
    return True


def _keep(claim: Claim, fingerprint: str | None) -> None:
    if claim.store is None:
        raise ConfigError("there is no home directory to remember it in", remedy="Set HOME to an absolute path.")
    claim.store.put(claim.path, fingerprint)


def _print(lines: Iterable[str]) -> None:
    with _output.writing():
        for line in lines:
            click.echo(line)


def _lines(plea: _Plea) -> Iterator[str]:
    """Give lines of our own length, each with a margin: no text of the file's begins where ours does."""
    yield "the project file"
    yield from _block(plea.claim.path, 1)
    if not plea.settings:
        yield "sets nothing that needs trust"
        return
    yield "sets what needs trust:"
    for name, value in plea.settings.items():
        yield from _block(name, 1)
        yield from _block(value, 2)
    if plea.files:
        yield "and names these files of the checkout, which count as they are now:"
    for file in plea.files:
        yield from _block(file, 1)
    told = {
        "trusted": "it is trusted",
        "changed": "it has changed since it was trusted",
        "unknown": "it is not trusted",
    }
    yield told[plea.standing]


def _block(text: str, depth: int) -> Iterator[str]:
    plain = printable(text).encode("ascii", "backslashreplace").decode()
    margin = _MARGIN * depth
    width = max(_NARROWEST, shutil.get_terminal_size().columns - len(margin) - 1)
    for start in range(0, len(plain), width):
        yield margin + plain[start : start + width]
