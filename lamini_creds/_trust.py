"""
Judge a project file's layer before anything in it counts (DESIGN.md, section 6).

A pyproject.toml comes with a checkout and is not the user's word. Untrusted,
it may reorder and drop entries of the chain that trusted places made; every
pair of key and URL that it can reach was made by them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from lamini_creds._credential import Hidden
from lamini_creds._settings import DEFAULT_ORDER, subtable
from lamini_creds._text import printable
from lamini_creds.errors import UntrustedConfigError

if TYPE_CHECKING:
    from lamini_creds._settings import Layer, Settings

_BUILT_IN = ("explicit", "env", "file", "yaml")


def judge_table(settings: Hidden[Any], source: str, table: str) -> None:
    """
    Refuse an untrusted table that sets anything but the order, be it valid or not.

    Args:
        settings: The table as it was parsed.
        source: The file.
        table: The table's name.

    Raises:
        UntrustedConfigError: Names file, table and option, and the ways to trust it.
    """
    for name in settings.value if isinstance(settings.value, Mapping) else ():
        if name != "providers":
            inner, option = _innermost(Hidden(settings.value[name]), table, name)
            _refuse(source, f"[{inner}] {printable(option)}", f"sets '{printable(option)}'")


def judge(layer: Layer, trusted: Settings) -> None:
    """
    Refuse an untrusted order that names more than entries of the trusted chain.

    Args:
        layer: A project file's layer; `judge_table` let it pass.
        trusted: The merged layers that are trusted.

    Raises:
        UntrustedConfigError: Names file, table and option, and the ways to trust it.
    """
    setting = layer.base.top.get("providers")
    if setting is None or not isinstance(setting.value, list):
        return
    profiles = {"", *(name for trusted_layer in trusted.layers for name in trusted_layer.overlays)}
    eligible = set.intersection(*(_eligible(trusted, profile) for profile in profiles))
    for label in setting.value:
        if label not in eligible:
            what = f"names the entry '{printable(label)}', which is not in the chain without it"
            _refuse(layer.source, f"[{setting.table}] providers", what)


def _innermost(value: Hidden[Any], table: str, name: str) -> tuple[str, str]:
    """Follow tables down to the first option that is none."""
    while isinstance(value.value, Mapping) and value.value:
        table = subtable(table, name)
        name = next(iter(value.value))
        value = Hidden(value.value[name])
    return table, name


def _eligible(trusted: Settings, profile: str) -> set[str]:
    """Give the entries that a trusted setting lists; where none does, the built-in ones and those with options."""
    if trusted.find("providers", profile):
        return {*trusted.order(profile), "explicit"}
    return {label for label in DEFAULT_ORDER if label in _BUILT_IN or trusted.entry(label, profile)}


def _refuse(source: str, option: str, what: str) -> NoReturn:
    from shlex import quote

    file = quote(source)
    raise UntrustedConfigError(
        f"this project file {what}: that needs your trust, since the file came with a checkout",
        place=f"{source}: {option}",
        remedy=f"If you trust it, run: lamini-creds trust {file}; in a container, where no one can be asked, "
        f"set LAMINI_CREDS_CONFIG={file}",
    )
