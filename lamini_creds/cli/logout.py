"""`lamini-creds logout`: take a stored key out of the home directory."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout

import click

from lamini_creds import _homefile, _login
from lamini_creds._resolver import Resolver
from lamini_creds.cli import _output
from lamini_creds.cli._command import Command, profile_option
from lamini_creds.errors import CredentialError


@click.command(cls=Command, short_help="Take a stored key out of the home directory again.")
@profile_option
def logout(*, profile: str | None) -> None:
    """
    Take the profile's key out of Lamini's files in the home directory; URL and comments stay.

    What still gives a key afterwards is told.

    Exit status: 0 taken out, 1 there was none, 2 anything wrong.
    """
    try:
        resolver = Resolver()
        name = _login.profile_of(resolver, profile)
        held = _login.logout(resolver, name)
        places = " nor ".join(_homefile.files(resolver))
    except CredentialError as error:
        _output.error(error)
        sys.exit(2)
    with _output.afterwards():
        for path in held:
            _output.line(f"taken out of {path}")
    with redirect_stdout(sys.stderr):
        notes = _login.afterwards(None, name)
    for note in notes:
        _output.warning(note)
    if not held:
        _output.error(CredentialError(f"neither {places} holds a key of the profile '{name}'"))
        sys.exit(1)
