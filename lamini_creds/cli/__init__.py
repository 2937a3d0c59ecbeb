"""The command line: one file a command, imported when it is run."""

from __future__ import annotations

import sys
from difflib import get_close_matches
from importlib import import_module
from io import TextIOWrapper

import click

from lamini_creds.cli import _ending
from lamini_creds.cli._command import Command, misuse

_COMMANDS = ("check", "doctor", "explain", "get", "login", "logout", "providers", "run", "schema", "trust")


class _LazyGroup(Command, click.Group):
    """Imports a command's module when the command is run or its help is shown."""

    def list_commands(self, _context: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        if name not in _COMMANDS:
            return None
        command: click.Command = getattr(import_module(f"lamini_creds.cli.{name}"), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say that there is none without repeating what may be a key."""
        if args[0] in _COMMANDS or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        raise misuse("there is no such command", get_close_matches(args[0], _COMMANDS, n=1), ctx)

    def invoke(self, ctx: click.Context) -> object:
        """Run the command."""
        with _ending.broken_off():
            return super().invoke(ctx)


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """
    Find an API key and the URL it belongs to, wherever they live, and say where.

    `login` stores a key, `explain` says which one is found and why. Only `get` prints it.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
