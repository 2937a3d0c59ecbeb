"""
Judge a project file's layer before anything in it counts (DESIGN.md, section 6).

A pyproject.toml comes with a checkout and is not the user's word. Untrusted,
it may reorder and drop entries of the chain that trusted places made; every
pair of key and URL that it can reach was made by them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NoReturn

from lamini_creds._settings import DEFAULT_ORDER
from lamini_creds._text import printable
from lamini_creds.errors import UntrustedConfigError

if TYPE_CHECKING:
    from lamini_creds._settings import Layer, Setting, Settings

_BUILT_IN = ("explicit", "env", "file", "yaml")


def judge(layer: Layer, trusted: Settings) -> None:
    """
    Refuse an untrusted layer that does more than reorder and drop entries.

    Args:
        layer: A project file's layer.
        trusted: The merged layers that are trusted.

    Raises:
        UntrustedConfigError: Names file, table and option, and the ways to trust it.
    """
    for profile, section in (("", layer.base), *layer.overlays.items()):
        for label, options in section.entries.items():
            for option, setting in options.items():
                _refuse(layer, setting.place(option), f"sets an option of '{printable(label)}'")
        for option, setting in section.top.items():
            if profile or option != "providers":
                _refuse(layer, setting.place(option), f"sets '{printable(option)}'")
            _judge_order(layer, setting, trusted)


def _judge_order(layer: Layer, setting: Setting, trusted: Settings) -> None:
    profiles = {"", *(name for trusted_layer in trusted.layers for name in trusted_layer.overlays)}
    eligible = set.intersection(*(_eligible(trusted, profile) for profile in profiles))
    for label in setting.value if isinstance(setting.value, list) else ():
        if label not in eligible:
            _refuse(layer, setting.place("providers"), f"names the entry '{printable(label)}'")


def _eligible(trusted: Settings, profile: str) -> set[str]:
    """Give the entries that a trusted setting lists, those with trusted options, and the built-in ones."""
    if trusted.find("providers", profile):
        return {*trusted.order(profile), "explicit"}
    return {label for label in DEFAULT_ORDER if label in _BUILT_IN or trusted.entry(label, profile)}


def _refuse(layer: Layer, place: str, what: str) -> NoReturn:
    raise UntrustedConfigError(
        f"this project file {what}, which needs your trust: it came with a checkout",
        place=place,
        remedy=f"If you trust it, run: lamini-creds trust {layer.source}; in a container, where no one can be asked, "
        f"set LAMINI_CREDS_CONFIG={layer.source}",
    )
