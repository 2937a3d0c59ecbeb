"""What all commands share: no word of a wrong call is repeated, since it may be a key; and the option `--profile`."""

from __future__ import annotations

import re

import click

from lamini_creds._config import PROFILE, PROFILE_RULE
from lamini_creds.cli import _output

_IF_A_KEY = (
    "A key is never an argument: if that was one, it now stands in the shell's history, and others could see it among "
    "the processes. Make a new one then."
)


class Command(click.Command):
    """Tells of a word too many, of an unknown option or of a wrong value without repeating it."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse; what is neither option nor value may be a key."""
        try:
            with _output.writing():  # the help, where it is asked for
                return super().parse_args(ctx, args)
        except click.BadParameter as error:
            kind = error.param.type if error.param else None
            if not isinstance(kind, click.Choice):
                raise
            problem: click.UsageError = click.BadParameter(f"it is one of {', '.join(kind.choices)}.", ctx, error.param)
        except click.UsageError as error:
            if type(error) not in (click.UsageError, click.NoSuchOption):
                raise
            near = error.possibilities if isinstance(error, click.NoSuchOption) else None
            problem = misuse("there is no such argument or option", near, ctx)
        args.clear()
        raise problem


def misuse(reason: str, near: list[str] | None, context: click.Context) -> click.UsageError:
    """
    Tell of a word that means nothing here.

    Args:
        reason: What it is not.
        near: Our own words that it may have been meant for.
        context: Which command was called.
    """
    guess = f"; did you mean '{near[0]}'?" if near else "."
    return click.UsageError(f"{reason}{guess} {_IF_A_KEY}", context)


def _checked(_context: click.Context, _parameter: click.Parameter, name: str | None) -> str | None:
    if name is None or re.fullmatch(PROFILE, name):
        return name
    raise click.BadParameter(f"it is not a profile's name. {PROFILE_RULE}")


profile_option = click.option(
    "--profile", metavar="NAME", callback=_checked, help="The profile; the ambient one by default."
)
