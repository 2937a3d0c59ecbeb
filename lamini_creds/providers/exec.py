"""A helper: a program of the user's that finds the key and says so in JSON."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated

from lamini_creds import _protocol, _read
from lamini_creds._credential import Hidden, Secret
from lamini_creds._outcome import Problem
from lamini_creds._text import printable
from lamini_creds.errors import (
    ProviderDenied,
    ProviderError,
    ProviderInvalid,
    ProviderUnavailable,
    ProviderUnsupported,
)
from lamini_creds.providers import _helper
from lamini_creds.providers._words import told

if TYPE_CHECKING:
    from collections.abc import Mapping

    import msgspec

    from lamini_creds._provider import Context

_WITHOUT_GROUPS = ("win32", "emscripten", "wasi")
_OURS = 0.95  # what is left of the time is for the error, which names the helper
_SEE = "Run it by hand, with the same few variables: it may say more."
_REFUSALS: dict[int, tuple[type[ProviderError], str]] = {
    _protocol.Status.INVALID: (ProviderInvalid, "what it found can't be used"),
    _protocol.Status.DENIED: (ProviderDenied, "is refused the key"),
    _protocol.Status.UNAVAILABLE: (ProviderUnavailable, "has no answer from its own store"),
    _protocol.Status.DISCONNECTED: (ProviderUnavailable, "has no connection"),
}


@dataclass(frozen=True)
class ExecProvider:
    """A program that prints the key as JSON: `lamini-creds get --format json` of this machine or another."""

    command: Annotated[
        tuple[str, ...],
        msgspec.Meta(
            min_length=1,
            description="The program, by its absolute path or its name on PATH, and its arguments; "
            "`{profile}` in these stands for the profile.",
        ),
    ] = field(repr=False)
    pass_environment: Annotated[
        tuple[str, ...], msgspec.Meta(description="Variables that it is given besides PATH, HOME and the profile.")
    ] = ()

    def provide(self, context: Context) -> Secret | None:
        """Start the helper, and read its answer."""
        if sys.platform in _WITHOUT_GROUPS:
            raise ProviderUnsupported("a program and all that it starts can't be ended together on this platform")
        if _protocol.VARIABLE in context.environ:
            raise ProviderInvalid(
                "this process is a helper, which starts none: they would start each other without end",
                remedy=f"Leave `exec` out of the helper's own chain, or unset {_protocol.VARIABLE} for it.",
            )
        program = _program(self.command[0], context)
        if isinstance(program, Problem):
            raise ProviderInvalid(program.reason, place=_place(self.command[0]), remedy=program.remedy)
        arguments = (word.replace("{profile}", context.profile) for word in self.command[1:])
        return _answer([program, *arguments], self._environ(context), context)

    def _environ(self, context: Context) -> Hidden[Mapping[str, str]]:
        """Give the helper's whole environment; nothing is in it that might make it another program."""
        names = ("PATH", *self.pass_environment)
        environ = {name: context.environ[name] for name in names if name in context.environ}
        home = {} if context._home is None else {"HOME": os.fspath(context._home)}
        ours = {"LAMINI_CREDS_PROFILE": context.profile, _protocol.VARIABLE: str(_protocol.VERSION)}
        return Hidden(home | environ | ours)


def _place(name: str) -> str:
    """Name the program for a message; what is no absolute path may be a key, and is not repeated."""
    return printable(name) if name.startswith(("/", "~/")) else "the option 'command'"


def _program(name: str, context: Context) -> str | Problem:
    """Find the program without a look at the working directory."""
    if os.path.dirname(name):
        path = _read.located(name, context._home)
        if isinstance(path, Problem):
            return path
        return path if os.path.isfile(path) else Problem("there is no such file", "Mend the option `command`.")
    places = context.environ.get("PATH", os.defpath).split(os.pathsep)
    found = shutil.which(name, path=os.pathsep.join(filter(os.path.isabs, places)) or os.sep)
    return found or Problem("the command is not found on PATH", "Write its path from the root, or from '~/'.")


def _answer(command: list[str], environ: Hidden[Mapping[str, str]], context: Context) -> Secret:
    place = printable(command[0])
    ended = _helper.run(command, environ, context.remaining() * _OURS)
    if isinstance(ended, Problem):
        kind = ProviderUnavailable if isinstance(ended, _helper.Late) else ProviderInvalid
        raise kind(ended.reason, place=place, remedy=ended.remedy or "Mend the option `command`.")
    if ended.status == _protocol.Status.MISSING:
        return Secret(source=place, reason="the helper has no key")
    secret = _refusal(ended, place) if ended.status else _protocol.heard(ended.output, place)
    if isinstance(secret, Problem):
        raise ProviderInvalid(secret.reason, place=place, remedy=secret.remedy)
    if isinstance(secret, ProviderError):
        raise secret
    return secret


def _refusal(ended: _helper.Ended, place: str) -> ProviderError:
    how = f"signal {-ended.status} ended it" if ended.status < 0 else f"it exited with {ended.status}"
    kind, reason = _REFUSALS.get(ended.status, (ProviderInvalid, "has no answer"))
    words = told(ended.complaint.value)
    said = f', saying "{words}"' if words else ""
    return kind(f"{reason} ({how}{said})", place=place, remedy=_SEE)


def lamini_creds_register_provider() -> type[ExecProvider]:
    """Offer the provider `exec`."""
    return ExecProvider
