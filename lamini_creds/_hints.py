"""Near misses: what looks like a credential and is not read, told at the end of the chain."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

from lamini_creds._text import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lamini_creds._provider import Context

_MOST = 5


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
