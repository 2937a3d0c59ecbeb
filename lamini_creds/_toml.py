"""Find our table in the text of a TOML file."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import TYPE_CHECKING

from lamini_creds._credential import Hidden
from lamini_creds._options import TopLevel, option_types
from lamini_creds._outcome import Problem
from lamini_creds._text import printable
from lamini_creds.errors import ConfigError

if TYPE_CHECKING:
    from lamini_creds._read import Content

TABLE = "tool.lamini_creds"
_DEEPEST = 50
_LONGEST = 64  # bits


def our_table(content: Content, path: str, *, project: bool) -> tuple[Hidden[object], str] | None:
    """
    Give the settings of a file as they were parsed, and the name of the table that holds them.

    Args:
        content: What the file holds.
        path: Where it is.
        project: It is a project's, which need not have our table.

    Returns:
        The table; the whole of a file of our own; None for a project's file without our table.
    """
    parsed = _parse(content)
    ours = parsed if isinstance(parsed, Problem) else _our_table(parsed)
    if isinstance(ours, Problem):
        raise ConfigError(ours.reason, place=printable(path), remedy=ours.remedy)
    if ours is not None:
        return ours, TABLE
    if path.endswith("pyproject.toml") and not project:
        remedy = "Add the table, or name another file."
        raise ConfigError(f"has no table [{TABLE}]", place=printable(path), remedy=remedy)
    return None if project or isinstance(parsed, Problem) else (Hidden(parsed.value), "")


def _our_table(parsed: Hidden[dict[str, object]]) -> Hidden[object] | Problem | None:
    """Give the table `tool.lamini_creds`, None where there is none, or what is wrong around it."""
    tool = parsed.value.get("tool")
    if not isinstance(tool, Mapping):
        return None
    if "lamini-creds" in tool:
        return Problem("has a table [tool.lamini-creds]", f"did you mean [{TABLE}]?")
    if "lamini_creds" not in tool:
        return None
    stray = [name for name in (*option_types(TopLevel), "provider", "profile") if name in parsed.value]
    if stray:
        return Problem(f"sets '{stray[0]}' outside of its table [{TABLE}]", "Move it into the table.")
    ours = Hidden(tool["lamini_creds"])
    return _endless(ours) or ours


def _endless(settings: Hidden[object]) -> Problem | None:
    """Refuse what no setting needs, and what can't be written out again; this frame never raises."""
    left = [(settings.value, 0)]
    while left:
        value, depth = left.pop()
        if depth > _DEEPEST:
            return Problem("is nested too deeply")
        if isinstance(value, int) and value.bit_length() > _LONGEST:
            return Problem("holds a number too long", "A setting's number has at most 64 bits.")
        inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
        left += [(item, depth + 1) for item in inner]
    return None


def _parse(content: Content) -> Hidden[dict[str, object]] | Problem:
    try:
        return Hidden(tomllib.loads(content.data.decode("utf-8-sig")))
    except UnicodeDecodeError:
        return Problem("is not UTF-8 text", "Save it as UTF-8.")
    except RecursionError:
        return Problem("is nested too deeply")
    except ValueError as error:
        found = re.search(r"line \d+, column \d+|end of document", str(error))
        where = f"{found[0]}: " if found else ""
        return Problem(f"{where}this is not TOML", "Mend the line.")
