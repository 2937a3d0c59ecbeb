"""`lamini-creds providers`: every provider that can be named in the order, and who offers it."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING, NamedTuple

import click

from lamini_creds._plugins import Offer, installed
from lamini_creds._registry import BUILT_IN, Registry
from lamini_creds.cli import _output
from lamini_creds.cli._command import Command
from lamini_creds.cli._described import observes, options
from lamini_creds.cli._machine import version
from lamini_creds.errors import CredentialError

if TYPE_CHECKING:
    from collections.abc import Iterable

_NOT_LOADED = "(not loaded)"


class _Row(NamedTuple):
    """One provider: what it is called, who ships it, what it does, its options and what each is for."""

    name: str
    distribution: str
    version: str
    summary: str
    options: dict[str, str] | None = None
    problem: CredentialError | None = None


@click.command(cls=Command)
@click.option("--load", is_flag=True, help="Import the installed plugins too, and show their options.")
def providers(*, load: bool) -> None:
    """
    List the providers that are here, with their options.

    Built-in ones are loaded. Plugins of other distributions are listed from
    their metadata, and nothing of theirs is imported unless --load is given.

    Exit status: 0, or 2 where a plugin can't be loaded.
    """
    registry = Registry()
    with redirect_stdout(sys.stderr):
        offers = sorted(installed(), key=lambda offer: (offer.name, offer.distribution))
        rows = [*map(_built_in, BUILT_IN), *(_loaded(registry, o) if load else _listed(o) for o in offers)]
    _output.table(("name", "distribution", "version", "options", "what it is"), map(_cells, rows))
    _print_options(rows)
    problems = [row.problem for row in rows if row.problem]
    for problem in problems:
        _output.error(problem)
    sys.exit(2 if problems else 0)


def _cells(row: _Row) -> tuple[str, ...]:
    names = _NOT_LOADED if row.options is None else ", ".join(row.options) or "none"
    return row.name, row.distribution, row.version, names, row.summary


def _print_options(rows: Iterable[_Row]) -> None:
    described = [(row.name, *option) for row in rows for option in (row.options or {}).items()]
    if described:
        _output.line()
        _output.table(("provider", "option", "what it sets"), described)


def _built_in(name: str) -> _Row:
    provider = Registry().provider(name)
    return _Row(name, "lamini-creds", version("lamini-creds"), _first_line(provider), _options(name, provider))


def _listed(offer: Offer) -> _Row:
    """Describe a plugin by its metadata alone."""
    distribution = offer.entry_point.dist
    summary = distribution.metadata["Summary"] if distribution and "Summary" in distribution.metadata else ""
    if offer.name in BUILT_IN:
        summary = "never used: a built-in provider has this name"
    return _Row(offer.name, offer.distribution, offer.version, summary)


def _loaded(registry: Registry, offer: Offer) -> _Row:
    row = _listed(offer)
    if offer.name in BUILT_IN:
        return row
    try:
        provider = registry.provider(offer.name, offer.distribution)
        return row._replace(summary=_first_line(provider) or row.summary, options=_options(offer.name, provider))
    except CredentialError as error:
        if observes(registry, offer.name):
            return row._replace(summary=f"observer: {row.summary}", options={})
        return row._replace(summary="can't be loaded", problem=error)


def _first_line(provider: object) -> str:
    return (provider.__doc__ or "").strip().partition("\n")[0]


def _options(name: str, provider: object) -> dict[str, str]:
    return {option: str(described.get("description", "")) for option, described in options(name, provider).items()}
