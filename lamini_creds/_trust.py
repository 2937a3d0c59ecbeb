"""
Judge a project file's layer before anything in it counts (DESIGN.md, section 6).

A pyproject.toml comes with a checkout and is not the user's word. Untrusted,
it may reorder and drop entries of the chain that trusted places made; every
pair of key and URL that it can reach was made by them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple, NoReturn

from lamini_creds._credential import Hidden
from lamini_creds._outcome import Problem
from lamini_creds._settings import DEFAULT_ORDER, subtable
from lamini_creds._text import printable
from lamini_creds.errors import UntrustedConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lamini_creds._claim import Claim
    from lamini_creds._settings import Layer, Settings

_BUILT_IN = ("explicit", "env", "file", "yaml")


def judge_table(settings: Hidden[Any], claim: Callable[[], Claim], source: str, table: str) -> bool:
    """
    Refuse an untrusted table that sets anything but the order, be it valid or not.

    Args:
        settings: The table as it was parsed, or a part of it.
        claim: Makes the whole table's claim to be trusted; that costs, and is done where trust is needed.
        source: The file, for messages.
        table: The table's name.

    Returns:
        Whether it needs trust and has it.

    Raises:
        UntrustedConfigError: Names file, table and option, and the ways to trust it.
    """
    wanted = next(beyond_order(settings, table), None)
    if wanted is None:
        return False
    if claim().standing != "trusted":
        option = printable(wanted.option)
        _refuse(claim(), source, f"[{wanted.table}] {option}", f"sets '{option}'")
    return True


def judge(layer: Layer, trusted: Settings) -> bool:
    """
    Refuse an untrusted order that names more than entries of the trusted chain.

    Args:
        layer: A project file's layer; `judge_table` let it pass.
        trusted: The merged layers that are trusted.

    Returns:
        Whether it needs trust and has it.

    Raises:
        UntrustedConfigError: Names file, table and option, and the ways to trust it.
    """
    new = next(new_entries(layer, trusted), None)
    if new is None or layer.claim is None:
        return False
    if layer.claim().standing != "trusted":
        what = f"names the entry '{printable(new)}', which is not in the chain without it"
        _refuse(layer.claim(), layer.source, f"[{layer.base.top['providers'].table}] providers", what)
    return True


class Wanted(NamedTuple):
    """
    One setting of a table, which may be nested.

    Attributes:
        table: The dotted name of the innermost table.
        option: The setting's name in it.
        value: What it is set to.
    """

    table: str
    option: str
    value: Hidden[Any]


def beyond_order(settings: Hidden[Any], table: str) -> Iterator[Wanted]:
    """Give each setting of a table that is not its order, as deep as tables are nested, in the file's order."""
    left = [Wanted(table, name, Hidden(value)) for name, value in _items(settings) if name != "providers"][::-1]
    while left:
        wanted = left.pop()
        inner = _items(wanted.value)
        if inner:
            below = subtable(wanted.table, wanted.option)
            left += [Wanted(below, name, Hidden(value)) for name, value in inner[::-1]]
        else:
            yield wanted


def new_entries(layer: Layer, trusted: Settings) -> Iterator[str]:
    """Give the entries that a layer's order brings into the chain that trusted layers make."""
    setting = layer.base.top.get("providers")
    if setting is None or not isinstance(setting.value, list):
        return
    profiles = {"", *(name for trusted_layer in trusted.layers for name in trusted_layer.overlays)}
    eligible = set.intersection(*(_eligible(trusted, profile) for profile in profiles))
    yield from (label for label in setting.value if label not in eligible)


def _items(value: Hidden[Any]) -> list[tuple[str, Any]]:
    return list(value.value.items()) if isinstance(value.value, Mapping) else []


def _eligible(trusted: Settings, profile: str) -> set[str]:
    """Give the entries that a trusted setting lists; where none does, the built-in ones and those with options."""
    if trusted.find("providers", profile):
        return {*trusted.order(profile), "explicit"}
    return {label for label in DEFAULT_ORDER if label in _BUILT_IN or trusted.entry(label, profile)}


def _refuse(claim: Claim, source: str, option: str, what: str) -> NoReturn:
    from shlex import quote

    file, standing = quote(source), claim.standing
    since = "; it has changed since you trusted it" if standing == "changed" else ""
    doubt = f"\n{standing.reason}: {standing.remedy}" if isinstance(standing, Problem) else ""
    raise UntrustedConfigError(
        f"this project file {what}: that needs your trust, since the file came with a checkout{since}",
        place=f"{source}: {option}",
        remedy=f"If you trust it, run: lamini-creds trust {file}; in a container, where no one can be asked, "
        f"set LAMINI_CREDS_CONFIG={file}{doubt}",
    )
