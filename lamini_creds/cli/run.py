"""`lamini-creds run`: start a command with key and URL in its environment, and become it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from typing import TYPE_CHECKING, NoReturn

import click

from lamini_creds._config import PREFIX
from lamini_creds._credential import Hidden
from lamini_creds._outcome import Problem
from lamini_creds._service import LAMINI
from lamini_creds._text import printable
from lamini_creds.cli import _ending, _output
from lamini_creds.cli._command import Command, profile_option
from lamini_creds.cli._resolved import resolved
from lamini_creds.errors import CredentialError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lamini_creds._credential import Credential

_NOT_STARTED, _NOT_EXECUTABLE, _NOT_FOUND = 125, 126, 127
_NAMES = (LAMINI.key_variable, LAMINI.url_variable)


class _Misuse(click.UsageError):
    """A wrong call, told by a status that few commands end with themselves."""

    exit_code = _NOT_STARTED


class _Command(Command):
    """A command whose wrong calls are told apart from failures of what it starts."""

    def parse_args(self, context: click.Context, args: list[str]) -> list[str]:
        try:
            return super().parse_args(context, args)
        except click.UsageError as error:
            raise _Misuse(error.format_message(), context) from None


def _names(_context: click.Context, _parameter: click.Parameter, text: str | None) -> tuple[str, ...]:
    """Read the names of the two variables: a key without its URL would go wherever the command sends it."""
    names = _NAMES if text is None else tuple(name.strip() for name in text.split(","))
    if len({*names}) != len(_NAMES) or len(names) != len(_NAMES):
        raise click.BadParameter("name two variables, for the key and for its URL.")
    if not all(re.fullmatch("[A-Za-z_][A-Za-z0-9_]*", name) for name in names):
        raise click.BadParameter("a name has letters, digits and '_', and starts with no digit.")
    return names


@click.command(cls=_Command, context_settings={"allow_interspersed_args": False})
@profile_option
@click.option(
    "--as", "names", metavar="KEY,URL", callback=_names, help=f"The variables' names; {','.join(_NAMES)} by default."
)
@click.argument("command", nargs=-1, type=click.UNPROCESSED, required=True)
def run(profile: str | None, names: tuple[str, ...], command: tuple[str, ...]) -> None:
    """
    Start a command with key and URL in its environment.

    The command takes the place of this process: signals and the exit status
    are its own.

    Exit status: 0 or whatever the command's own is; 125 there is no
    credential, or the call is wrong, and nothing was started; 126 the command
    can't be executed; 127 it is not found.
    """
    try:
        found = resolved(profile)
    except KeyboardInterrupt:
        _ending.tell()
        sys.exit(_NOT_STARTED)
    if isinstance(found, CredentialError):
        sys.exit(_NOT_STARTED)
    problem = _started(command, _environ(found, names))
    _output.error(CredentialError(problem.reason, place=printable(command[0]), remedy=problem.remedy))
    sys.exit(_NOT_FOUND if problem is _ABSENT else _NOT_EXECUTABLE)


_ABSENT = Problem("there is no such command", "Mend its name, or PATH.")


def _environ(found: Credential, names: tuple[str, ...]) -> Hidden[Mapping[str, str]]:
    """Add key and URL; under their own names the profile too, so that they speak for the right one."""
    values = dict(zip(names, (found.key, found.url), strict=True))
    profile = {f"{PREFIX}PROFILE": found.profile} if names == _NAMES else {}
    return Hidden(os.environ | values | profile)


def _started(command: tuple[str, ...], environ: Hidden[Mapping[str, str]]) -> Problem:
    """Become the command, or end as it ends where no process can become another; say why it can't be started."""
    for stream in filter(None, (sys.stdout, sys.stderr)):
        stream.flush()
    try:
        if sys.platform == "win32":
            sys.exit(subprocess.run(command, env=environ.value, check=False).returncode)  # noqa: S603  # what is asked
        _become(command, environ)
    except (FileNotFoundError, NotADirectoryError, ValueError):  # the last one of an empty name
        return _ABSENT
    except OSError as error:
        cause = os.strerror(error.errno) if error.errno else type(error).__name__
        return Problem(f"can't be executed ({cause})", "Name a program, or the interpreter before its script.")


def _become(command: tuple[str, ...], environ: Hidden[Mapping[str, str]]) -> NoReturn:
    for name in ("SIGPIPE", "SIGXFSZ"):  # Python ignores them, and what is ignored stays so in the command
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_DFL)
    os.execvpe(command[0], command, environ.value)  # noqa: S606  # what is asked for
