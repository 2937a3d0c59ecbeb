"""Every setting that counts for a profile, with the file and table or the variable it came from."""

from __future__ import annotations

import typing
from typing import TYPE_CHECKING, Annotated, Any, Literal, NamedTuple

from lamini_creds._config import PREFIX, SEARCH
from lamini_creds._options import EntryOptions, TopLevel, convert, option_types
from lamini_creds._registry import BUILT_IN
from lamini_creds._settings import DEFAULT_ORDER
from lamini_creds._url import origin
from lamini_creds.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lamini_creds._settings import Setting, Settings
    from lamini_creds._setup import Setup

_DEFAULTS: dict[str, object] = {
    "providers": list(DEFAULT_ORDER),
    "continue_on": [],
    "deadline": 15.0,
    "http": "private",
    "allow_origins": [],
    "observers": [],
}
_ORIGINS = ("http", "allow_origins")


class Source(NamedTuple):
    """
    One setting with its origin.

    Attributes:
        setting: Its name; an entry's option as `entry.option`.
        value: The value, or None where it is free text, which may be a misplaced key.
        place: File and table, or the variable; "default" where nobody set it.
    """

    setting: str
    value: str | None
    place: str


def sources(setup: Setup, profile: str | None) -> list[Source]:
    """
    Tell where each setting comes from that counts for a profile.

    Args:
        setup: What the resolver has read.
        profile: The profile asked for; None for the ambient one.

    Raises:
        ConfigError: The configuration can't be read.
    """
    settings = setup.settings
    name = setup.ambient_profile() if profile is None else profile
    environ = setup.context(name).environ
    return [
        Source("profile", name, "--profile" if profile is not None else _ambient_place(setup)),
        *(
            Source("trust", "not needed" if layer.project else "given", layer.source)
            for layer in settings.layers
            if layer.claim
        ),
        *(Source(option.lower(), "set", PREFIX + option) for option in SEARCH if environ.get(PREFIX + option)),
        *(_top(option, settings.find(option, name)) for option in option_types(TopLevel) if option in _DEFAULTS),
        *_entries(settings, name),
    ]


def _ambient_place(setup: Setup) -> str:
    """Say who named the ambient profile: nearest first, the order of `Setup.ambient_profile`."""
    setting = setup.settings.find("default_profile", "")
    if setting and setting.source == f"{PREFIX}PROFILE":
        return setting.source
    context = setup.context("")
    variable = context.service.profile_variable
    if variable and context.environ.get(variable, "").strip():
        return variable
    return setting.place("default_profile") if setting else "default"


def _top(option: str, setting: Setting | None) -> Source:
    if setting is None:
        return Source(option, _shown(option, _DEFAULTS[option]), "default")
    return Source(option, _shown(option, setting.value), setting.place(option))


def _shown(option: str, value: object) -> str:
    if not isinstance(value, list):
        return str(value)
    items = [str(origin(item) if option in _ORIGINS else item) for item in value]
    return ", ".join(items) or "(none)"


def _entries(settings: Settings, profile: str) -> Iterator[Source]:
    labels = sorted(set().union(*(layer.labels() for layer in settings.layers)))
    for label in labels:
        for option, setting in settings.entry(label, profile).items():
            yield Source(f"{label}.{option}", _harmless(label, option, setting), setting.place(option))


def _harmless(label: str, option: str, setting: Setting) -> str | None:
    """Give an option's value if its type leaves no room for a key: a number, or one of a few words."""
    annotation = (option_types(EntryOptions) | _own_types(label.partition(":")[0])).get(option)
    if annotation is None or not _closed(annotation):
        return None
    try:
        return _shown(option, convert(option, setting, annotation))
    except ConfigError:
        return None


def _own_types(name: str) -> dict[str, Any]:
    """Give the types of a built-in provider's options; nobody else's code is loaded for this."""
    if name not in BUILT_IN:
        return {}
    from lamini_creds._registry import Registry

    return option_types(Registry().provider(name))


def _closed(annotation: Any) -> bool:
    origin_type = typing.get_origin(annotation)
    if origin_type is Literal or annotation in (bool, int, float, type(None)):
        return True
    arguments = typing.get_args(annotation)
    return bool(arguments) and all(map(_closed, arguments[:1] if origin_type is Annotated else arguments))
