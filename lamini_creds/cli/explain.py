"""`lamini-creds explain`: walk the chain and say what every entry answered, and where key and URL were found."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

import click

from lamini_creds._outcome import Outcome
from lamini_creds._resolver import Resolver
from lamini_creds._service import LAMINI
from lamini_creds.cli import _output
from lamini_creds.cli._command import Command, profile_option
from lamini_creds.errors import CredentialError, CredentialsNotFoundError

if TYPE_CHECKING:
    from lamini_creds._credential import Credential
    from lamini_creds._freshness import Freshness
    from lamini_creds._outcome import Attempt, Resolution
    from lamini_creds.cli._sources import Source

_HARMLESS = (Outcome.FOUND, Outcome.MISS)


@click.command(cls=Command, short_help="Say what each place answers, and where key and URL are found.")
@profile_option
@click.option("--config", "with_config", is_flag=True, help="Show first which settings count, and where each is from.")
@click.option("--all", "ask_all", is_flag=True, help="Ask the entries after the winner too, marked as shadowed.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON; `lamini-creds schema --explain` describes it.")
def explain(profile: str | None, *, with_config: bool, ask_all: bool, as_json: bool) -> None:
    """
    Say what each entry of the chain answers, and where key and URL are found.

    Exit status: 0 found, 1 nothing found, 2 anything wrong.
    """
    resolver = Resolver()
    with _output.waiting("asking the places of the chain"), redirect_stdout(sys.stderr):
        resolution = resolver.explain(profile=profile, all=ask_all)
        sources = _sources(resolver, profile) if with_config else None
    if as_json:
        configuration = {} if sources is None else {"configuration": [source._asdict() for source in sources]}
        _output.as_json(resolution.as_dict() | configuration)
    else:
        _print(resolution, sources)
    if resolution.error:
        _output.error(_for_a_person(resolution.error, resolution))
    sys.exit(_status(resolution))


def _sources(resolver: Resolver, profile: str | None) -> list[Source] | None:
    from lamini_creds.cli import _sources

    try:
        return _sources.sources(resolver._setup, profile)  # the same house
    except CredentialError:
        return None


def _status(resolution: Resolution) -> int:
    if resolution.credential is not None:
        return 0
    return 1 if isinstance(resolution.error, CredentialsNotFoundError) else 2


def _print(resolution: Resolution, sources: list[Source] | None) -> None:
    if sources is not None:
        _output.table(("setting", "value", "from"), [(s.setting, s.value or "(not shown)", s.place) for s in sources])
        _output.line()
    if resolution.attempts:
        _output.line(f"profile {resolution.profile}")
        _output.line()
        _output.table(("entry", "outcome", "place", "why not", "time"), map(_row, resolution.attempts))
    if resolution.credential is not None:
        _output.line()
        _print_winner(resolution.credential)
    for attempt in resolution.attempts:
        if attempt.freshness is not None and attempt.outcome is Outcome.FOUND:
            _output.line(f"{'freshness':<12} {attempt.entry}: {_age(attempt.freshness)}")
    for attempt in resolution.attempts:
        if attempt.outcome not in _HARMLESS and attempt.remedy and _goes_on(attempt, resolution):
            _output.line(f"remedy for {attempt.entry}: {attempt.remedy}")
    for message in resolution.warnings:
        _output.warning(message)


def _row(attempt: Attempt) -> tuple[str, ...]:
    outcome = f"shadowed: {attempt.outcome}" if attempt.shadowed else attempt.outcome.value
    return attempt.entry, outcome, attempt.place, attempt.reason, f"{attempt.seconds * 1000:.2f} ms"


def _age(freshness: Freshness) -> str:
    """Say how old a remote answer is, and when the store is asked again."""
    facts = {
        "fresh for": freshness.fresh_for,
        "stale for": freshness.stale_for,
        "asked again in": freshness.next_attempt,
    }
    told = [f"{name} {seconds:.0f} s" for name, seconds in facts.items() if seconds is not None]
    return ", ".join([*told, *([f"last error: {freshness.last_error}"] if freshness.last_error else [])])


def _goes_on(attempt: Attempt, resolution: Resolution) -> bool:
    """Say whether the attempt's remedy is told nowhere else: it is not what ended the walk."""
    return resolution.error is None or resolution.error.remedy != attempt.remedy


def _print_winner(winner: Credential) -> None:
    facts = {
        "key": f"{winner.provider}: {winner.source}",
        "URL": winner.url,
        "URL from": winner.url_source,
        "fingerprint": winner.fingerprint,
        "version": winner.version,
        "expires": winner.expires_at and winner.expires_at.isoformat(),
    }
    for name, fact in facts.items():
        if fact:
            _output.line(f"{name:<12} {fact}")


def _for_a_person(error: CredentialError, resolution: Resolution) -> CredentialError:
    """Leave out the attempts of a walk that found nothing, which the table has shown, and name the next command."""
    if not isinstance(error, CredentialsNotFoundError):
        return error
    command = f"\nTo store one: lamini-creds login --profile {resolution.profile}"
    stored_is_found = any(attempt.place.endswith(LAMINI.files) for attempt in resolution.attempts)
    return CredentialError(error.reason.partition("\n")[0], remedy=error.remedy + command * stored_is_found)
