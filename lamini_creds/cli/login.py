"""`lamini-creds login`: store a key in the home directory; it is asked for, piped in or copied, never an argument."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

import click

from lamini_creds import _login
from lamini_creds._credential import Hidden
from lamini_creds.cli import _output
from lamini_creds.cli._command import Command, profile_option
from lamini_creds.errors import CredentialError, ProviderDenied

if TYPE_CHECKING:
    from lamini_creds._credential import Credential
    from lamini_creds._resolver import Resolver

_MOST_INPUT = 1024 * 1024


@click.command(cls=Command, short_help="Ask for a key, hidden, and store it in the home directory.")
@profile_option
@click.option("--url", metavar="URL", help="The URL that the key belongs to; without it, the one there stays.")
@click.option("--stdin", "from_stdin", is_flag=True, help="Read the key from the standard input.")
@click.option("--from", "provider", metavar="PROVIDER", help="Copy the key that this provider finds.")
@click.option("--verify", is_flag=True, help="Ask the server first, and store only a key that it takes.")
def login(*, profile: str | None, url: str | None, from_stdin: bool, provider: str | None, verify: bool) -> None:
    """
    Store a key in ~/.powerml/configure_llama.yaml, or where the profile already stands.

    The key is asked for, and not shown while it is typed.

    Exit status: 0 stored; 1 the server refuses the key; 2 anything wrong. But
    for 0 nothing has changed.
    """
    if from_stdin and provider:
        raise click.UsageError("--stdin and --from both say where the key is from: give one of them")
    given, url = Hidden(url), None
    try:
        resolver = _login.resolver_for(provider)
        name = _login.profile_of(resolver, profile)
        if provider:
            copied = _copied(provider, resolver, given, name)
            key, given = Hidden(copied.key), _login.url_of(copied)
        else:
            key = _read_key() if from_stdin else _login.ask(resolver, name)
    except CredentialError as error:
        _output.error(error)
        sys.exit(2)
    try:
        stored = _login.store(resolver, key, given, name, _verified if verify else None)
    except CredentialError as error:
        _output.error(error)
        sys.exit(1 if isinstance(error, ProviderDenied) else 2)
    _report(stored, name)


def _copied(provider: str, resolver: Resolver, url: Hidden[str | None], profile: str) -> Credential:
    with redirect_stdout(sys.stderr), _output.waiting(f"asking {provider}"):
        copied = _login.copy(resolver, url, profile)
    if copied.expires_at:
        _output.warning(f"this key ends at {copied.expires_at.isoformat()}: the copy is not renewed")
    return copied


def _read_key() -> Hidden[str]:
    if sys.stdin is None:
        raise CredentialError("the standard input is closed", remedy="Pipe the key in.")
    if sys.stdin.isatty():
        raise CredentialError(
            "--stdin would show the key as it is typed", remedy="Leave --stdin out, or pipe the key in."
        )
    return Hidden(sys.stdin.buffer.read(_MOST_INPUT).decode("utf-8-sig", "surrogateescape"))


def _verified(credential: Credential) -> None:
    from lamini_creds._verify import verify

    with _output.waiting(f"asking {credential.origin}"):
        verify(credential)
    _output.line(f"the server at {credential.url} takes the key")


def _report(stored: _login.Stored, profile: str) -> None:
    credential = stored.credential
    with _output.afterwards():
        _output.line(f"stored in {stored.path}")
        for name, fact in (("profile", profile), ("URL", credential.url), ("fingerprint", credential.fingerprint)):
            _output.line(f"{name:<12} {fact}")
    with redirect_stdout(sys.stderr):
        notes = _login.afterwards(stored.path, profile)
    for note in (*stored.notes, *notes):
        _output.warning(note)
