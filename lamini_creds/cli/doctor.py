"""`lamini-creds doctor`: one page about this machine for a support ticket, and what should be mended."""

from __future__ import annotations

import os
import re
import sys
from contextlib import redirect_stdout
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from lamini_creds._credential import Hidden
from lamini_creds._outcome import Outcome
from lamini_creds._resolver import Resolver
from lamini_creds._service import LAMINI
from lamini_creds._setup import Setup, home_directory
from lamini_creds.cli import _machine, _mistakes, _output, _sources
from lamini_creds.cli._command import Command, profile_option
from lamini_creds.cli._machine import Finding
from lamini_creds.errors import CredentialError, CredentialsNotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from lamini_creds._outcome import Resolution
    from lamini_creds._settings import Settings

_HARMLESS = (Outcome.FOUND, Outcome.MISS)
_COMMAND = re.compile(r"\brun: (.+?)(?:; |$)", re.IGNORECASE | re.MULTILINE)


@click.command(cls=Command, short_help="Print a page for a support ticket, and what should be mended.")
@profile_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def doctor(profile: str | None, *, as_json: bool) -> None:
    """
    Look at everything that has a say in where the key is found, and tell what should be mended.

    Every place of the chain is asked, so each store that is configured is
    tried. No key and no free text of a setting is shown, and the home
    directory is `~`: the page can be pasted into a support ticket.

    Exit status: 0 nothing to mend, 1 something to mend.
    """
    environ: Hidden[Mapping[str, str]] = Hidden(os.environ)
    home = home_directory(environ, own=True)
    with _output.waiting("asking every place of the chain"), redirect_stdout(sys.stderr):
        report = _tidy(_report(profile, environ, home), home)
    if as_json:
        _output.as_json(report)
    else:
        _print(report)
    sys.exit(1 if report["findings"] else 0)


def _report(profile: str | None, environ: Hidden[Mapping[str, str]], home: str | None) -> dict[str, Any]:
    setup = Setup(None, None, environ, home, LAMINI, lambda _: None)
    mistakes = _mistakes.find(setup, environ, home)
    resolution = Resolver().explain(profile=profile, all=True)
    settings = _settings(setup)
    files = _machine.files(settings, environ, home)
    findings = [*_of_mistakes(mistakes), *_of_the_walk(resolution, {mistake.reason for mistake in mistakes})]
    mended = {finding.command for finding in findings}
    findings += [finding for finding in _machine.exposed(files) if finding.command not in mended]
    findings += _machine.clock()
    told = resolution.as_dict()
    return {
        "versions": _machine.versions(),
        "variables": _machine.variables(environ),
        "settings": [source._asdict() for source in _sources_of(setup, profile)],
        "trust": _trust(settings),
        "profile": resolution.profile,
        "attempts": told["attempts"],
        "credential": told["credential"],
        "files": [file._asdict() for file in files],
        "clock": datetime.now(UTC).isoformat(timespec="seconds"),
        "findings": [finding._asdict() for finding in findings],
    }


def _settings(setup: Setup) -> Settings | None:
    try:
        return setup.settings
    except CredentialError:
        return None


def _sources_of(setup: Setup, profile: str | None) -> list[_sources.Source]:
    try:
        return _sources.sources(setup, profile)
    except CredentialError:
        return []


def _trust(settings: Settings | None) -> str:
    if settings is None:
        return "the configuration can't be read: see the findings"
    claims = [layer for layer in settings.layers if layer.claim]
    if not claims:
        return "no project file is in use"
    how = "it only orders or drops entries, which needs no trust" if claims[0].project else "it is trusted"
    return f"{claims[0].source}: {how}"


def _of_mistakes(mistakes: Iterable[CredentialError]) -> Iterator[Finding]:
    for mistake in mistakes:
        yield _finding(f"{mistake.place}: {mistake.reason}", mistake.remedy, "lamini-creds check")


def _of_the_walk(resolution: Resolution, told: set[str]) -> Iterator[Finding]:
    """Tell what the entries and the whole walk ended with, but for mistakes of the configuration told already."""
    failed = [attempt for attempt in resolution.attempts if attempt.outcome not in _HARMLESS]
    for attempt in failed:
        if attempt.reason not in told:
            yield _finding(f"{attempt} ({attempt.outcome})", attempt.remedy, "lamini-creds explain --all")
    error = resolution.error
    if isinstance(error, CredentialsNotFoundError):
        command = f"lamini-creds login --profile {resolution.profile}"
        yield _finding(error.reason.partition("\n")[0], error.remedy, command)
    elif error and error.reason not in told.union(attempt.reason for attempt in failed):
        yield _finding(f"{error.place}: {error.reason}", error.remedy, "lamini-creds explain --all")
    for warning in resolution.warnings:
        yield _finding(_COMMAND.sub("", warning).rstrip("; "), "", "lamini-creds explain", said=warning)


def _finding(what: str, remedy: str, command: str, *, said: str = "") -> Finding:
    """Take the command out of the words where they have one."""
    named = _COMMAND.search(said or remedy)
    return Finding(what.removeprefix(": "), remedy, named[1] if named else command)


def _tidy(value: Any, home: str | None) -> Any:
    """Write the home directory, which names the user, as `~`."""
    if isinstance(value, dict):
        return {name: _tidy(item, home) for name, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_tidy(item, home) for item in value]
    if not isinstance(value, str) or home is None or home == "/":
        return value
    return re.sub(rf"(?<![\w./-])('?){re.escape(home)}(?![\w.-])(/?)", r"~\2\1", value)


def _print(report: dict[str, Any]) -> None:
    _output.table(("software", "version"), report["versions"].items())
    _section(f"variables that are set: {', '.join(report['variables']) or 'none'}")
    _output.line(f"trust: {report['trust']}")
    _output.line(f"clock: {report['clock']}")
    if report["settings"]:
        _section(f"profile {report['profile']}")
        rows = [(row["setting"], row["value"] or "(not shown)", row["place"]) for row in report["settings"]]
        _output.table(("setting", "value", "from"), rows)
    if report["attempts"]:
        _output.line()
        _output.table(("entry", "outcome", "place", "why not", "time"), map(_entry, report["attempts"]))
    found = report["credential"]
    if found:
        _section(f"key          {found['provider']}: {found['source']}")
        for name, fact in (("URL", "url"), ("URL from", "url_source"), ("fingerprint", "fingerprint")):
            _output.line(f"{name:<12} {found[fact]}")
    _output.line()
    _output.table(("file", "for", "mode", "owner"), [_file_row(file) for file in report["files"]])
    _section(f"to mend: {len(report['findings']) or 'nothing'}")
    for number, finding in enumerate(report["findings"], start=1):
        _output.line(f"{number}. {finding['what']}")
        for line in filter(None, finding["remedy"].split("\n")):
            _output.line(f"   {line}")
        _output.line(f"   $ {finding['command']}")


def _section(title: str) -> None:
    _output.line()
    _output.line(title)


def _entry(attempt: dict[str, Any]) -> tuple[str, ...]:
    outcome = f"shadowed: {attempt['outcome']}" if attempt["shadowed"] else attempt["outcome"]
    return attempt["entry"], outcome, attempt["place"], attempt["reason"], f"{attempt['milliseconds']:.2f} ms"


def _file_row(file: dict[str, str]) -> tuple[str, ...]:
    return file["path"], file["holds"], file["mode"] or "not there", file["owner"]
