"""`lamini-creds get`: print the key, the URL or the header, for a script or for another tool's `exec`."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from lamini_creds import _protocol
from lamini_creds._credential import Credential, Hidden
from lamini_creds._protocol import Status
from lamini_creds._service import LAMINI
from lamini_creds.cli import _output
from lamini_creds.cli._command import Command, profile_option
from lamini_creds.cli._resolved import resolved
from lamini_creds.errors import (
    CredentialError,
    CredentialsNotFoundError,
    ProviderDenied,
    ProviderUnavailable,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

_STATUSES: tuple[tuple[type[CredentialError], Status], ...] = (
    (CredentialsNotFoundError, Status.MISSING),
    (ProviderDenied, Status.DENIED),
    (ProviderUnavailable, Status.UNAVAILABLE),
)


@click.command(cls=Command)
@profile_option
@click.option("--field", type=click.Choice(["key", "url", "headers"]), help="What to print; the key by default.")
@click.option(
    "--format", "shape", type=click.Choice(["plain", "json", "env"]), default="plain", show_default=True, help="How."
)
@click.option("--show", is_flag=True, help="Print it on a terminal too.")
def get(profile: str | None, field: str | None, shape: str, *, show: bool) -> None:
    """
    Print the key: for a script, not for a screen.

    With `--format json` and no --field it answers as a helper of the provider
    `exec`; with `--format env` it prints lines for the `eval` of a shell, of
    key and URL where no --field is given.

    Exit status: 0 printed, 3 nothing found, 4 denied, 5 unavailable, 2
    anything else that is wrong.
    """
    if (field, shape) == ("headers", "env"):
        raise click.UsageError("a header is no variable: take --format plain or json.")
    if field != "url" and not show and _output.on_terminal(sys.stdout):
        refusal = CredentialError("the key would stand on the screen", remedy="Send it into a pipe, or say --show.")
        _output.error(refusal)
        sys.exit(Status.INVALID)
    found = resolved(profile)
    if isinstance(found, CredentialError):
        sys.exit(next((status for kind, status in _STATUSES if isinstance(found, kind)), Status.INVALID))
    _print(_text(found, field, shape))


def _text(found: Credential, field: str | None, shape: str) -> Hidden[str]:
    if shape == "env":
        from shlex import quote

        values = {"key": (LAMINI.key_variable, found.key), "url": (LAMINI.url_variable, found.url)}
        asked = [values[field]] if field else values.values()
        return Hidden("".join(f"export {name}={quote(value)}\n" for name, value in asked))
    if shape == "json":
        value = _protocol.spoken(found) if field is None else _value(found, field)
        return Hidden(json.dumps(value) + "\n")
    plain = _value(found, field or "key")
    lines = [plain] if isinstance(plain, str) else [f"{name}: {value}" for name, value in plain.items()]
    return Hidden("".join(f"{line}\n" for line in lines))


def _value(found: Credential, field: str) -> str | Mapping[str, str]:
    return {"key": found.key, "url": found.url}[field] if field != "headers" else found.headers()


def _print(text: Hidden[str]) -> None:
    """Write to the standard output itself, which has to be there."""
    if sys.stdout is None:
        raise _output.Unwritable("it is closed")
    with _output.writing():
        sys.stdout.write(text.value)
        sys.stdout.flush()
