"""`lamini-creds check`: read the configuration alone, load what the chain names, and ask nobody."""

from __future__ import annotations

import os
import sys
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

import click

from lamini_creds._credential import Hidden
from lamini_creds._service import LAMINI
from lamini_creds._setup import Setup, home_directory
from lamini_creds.cli import _mistakes, _output
from lamini_creds.cli._command import Command

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lamini_creds._settings import Settings


@click.command(cls=Command)
def check() -> None:
    """
    Read every layer of the configuration and tell of each mistake.

    The plugins that the chains of all profiles name are imported; no provider
    is asked, so no key is read.

    Exit status: 0, or 2 where there is a mistake.
    """
    environ: Hidden[Mapping[str, str]] = Hidden(os.environ)
    home = home_directory(environ, own=True)
    warnings: list[str] = []
    setup = Setup(None, None, environ, home, LAMINI, warnings.append)
    with redirect_stdout(sys.stderr):
        mistakes = _mistakes.find(setup, environ, home)
    for mistake in mistakes:
        _output.error(mistake)
    if not mistakes:
        _print(setup)
    for message in warnings:
        _output.warning(message)
    sys.exit(2 if mistakes else 0)


def _print(setup: Setup) -> None:
    settings = setup.settings
    ambient = setup.ambient_profile()
    _output.line(f"read: {', '.join(_read(settings)) or 'nothing; the defaults hold'}")
    for profile in dict.fromkeys((ambient, *(name for layer in settings.layers for name in layer.overlays))):
        order = ", ".join(("explicit", *settings.order(profile)))
        _output.line(f"profile {profile}{' (ambient)' if profile == ambient else ''}: {order}")
    _output.line("the configuration is in order")


def _read(settings: Settings) -> list[str]:
    return [layer.source for layer in settings.layers if layer.overlays or layer.base.top or layer.base.entries]
