"""The credential of this machine's own chain, for the commands that hand it on."""

from __future__ import annotations

import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

from lamini_creds._resolver import Resolver
from lamini_creds.cli import _output
from lamini_creds.errors import CredentialError

if TYPE_CHECKING:
    from lamini_creds._credential import Credential


def resolved(profile: str | None) -> Credential | CredentialError:
    """
    Resolve, and tell of whatever should be mended on the standard error stream.

    Args:
        profile: The profile; None for the ambient one.
    """
    with redirect_stdout(sys.stderr):
        resolution = Resolver().explain(profile=profile)
    for message in resolution.warnings:
        _output.warning(message)
    if resolution.credential is not None:
        return resolution.credential
    error = resolution.error or CredentialError("no walk was made")
    _output.error(error)
    return error
