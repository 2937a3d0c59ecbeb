"""The command line: one file a command, imported when it is run."""

from __future__ import annotations

import sys
from importlib import import_module
from io import TextIOWrapper

import click

_COMMANDS = ("check", "doctor", "explain", "get", "login", "logout", "providers", "run", "schema", "trust")


class _LazyGroup(click.Group):
    """Imports a command's module when the command is run or its help is shown."""

    def list_commands(self, _context: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"lamini_creds.cli.{name}"), name)
        return command


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """
    Find an API key and the URL it belongs to, wherever they live, and say where.

    `login` stores a key, `explain` says which one is found and why. Only `get` prints it.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
