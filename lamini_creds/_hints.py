"""The end of a chain where nothing was found: what to do, and near misses that look like a credential."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from lamini_creds._text import printable
from lamini_creds.errors import CredentialsNotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lamini_creds._outcome import Attempt
    from lamini_creds._provider import Context

_MOST = 5


def nothing_found(context: Context, attempts: tuple[Attempt, ...]) -> CredentialsNotFoundError:
    """Give the error of a walk that came to the end of its chain."""
    service, profile = context.service, context.profile
    section = "".join(character if character.isalnum() else "_" for character in profile).upper()
    variable = service.key_variable if context.ambient else f"{service.prefix}__{section}__KEY"
    remedy = f"Set {variable}, or put the key in one of these places.{hints(context)}"
    if all(attempt.entry == "explicit" for attempt in attempts):
        remedy = "The chain is `explicit` alone: pass a key, or in a test use lamini_creds.testing.override()."
    lines = "".join(f"\n  {attempt}" for attempt in attempts)
    return CredentialsNotFoundError(
        f"no provider has a key for {service.name}, profile '{profile}'{lines}", remedy=remedy
    )


def hints(context: Context) -> str:
    """Give a line for each near miss: names alone, never values."""
    lines = [*_variables(context)][:_MOST]
    if os.path.exists(".env"):
        lines.append(".env is here and is never read: export its variables")
    return "".join(f"\n  {line}" for line in lines)


def _variables(context: Context) -> Iterator[str]:
    service = context.service
    read = (service.key_variable, service.url_variable)
    prefixes = "|".join(map(re.escape, (service.prefix, *service.former_prefixes)))
    similar = re.compile(rf"(?:{prefixes})_.*(KEY|TOKEN|URL)_*", re.IGNORECASE)
    for name in sorted(name for name, value in context.environ.items() if value.strip()):
        matched = similar.fullmatch(name)
        if not matched or name in read or name.upper().startswith("LAMINI_CREDS_") or name.endswith("_FILE"):
            continue
        meant = service.url_variable if matched[1].upper() == "URL" else service.key_variable
        if not re.fullmatch(rf"{re.escape(service.prefix)}__.+__(KEY|URL)", name, re.IGNORECASE):
            yield f"{printable(name)} is set; the name read is {meant}"
        elif not name.startswith(service.prefix):
            yield f"{printable(name)} is set; names are read in capitals: {printable(name.upper())}"
