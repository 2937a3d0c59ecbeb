"""Options: which a dataclass has, how text and tables become them, and the schema for editors."""

from __future__ import annotations

import dataclasses
import re
import typing
from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeVar

import msgspec

from lamini_creds._outcome import Problem
from lamini_creds._settings import subtable
from lamini_creds._text import did_you_mean, printable
from lamini_creds._value import Value
from lamini_creds.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lamini_creds._settings import Setting

T = TypeVar("T")

Failure = Literal["denied", "unavailable", "unsupported"]
_YEAR = 31_536_000


@dataclasses.dataclass(frozen=True)
class TopLevel:
    """What `[tool.lamini_creds]` may set, besides the tables `provider.NAME` and `profile.NAME`."""

    providers: Annotated[list[str], msgspec.Meta(description="The order in which providers are asked.")]
    default_profile: Annotated[
        str,
        msgspec.Meta(description="The profile where caller and environment name none. `profile = NAME` says the same."),
    ]
    continue_on: Annotated[
        list[Failure], msgspec.Meta(description="Failures after which the next provider is asked all the same.")
    ]
    deadline: Annotated[float, msgspec.Meta(gt=0, le=_YEAR, description="Seconds that one caller waits at most.")]
    http: Annotated[
        Literal["loopback", "private", "any"] | list[str],
        msgspec.Meta(description="Where a key may go over plain http: a class of hosts, or a list of origins."),
    ]
    allow_origins: Annotated[
        list[str], msgspec.Meta(description="Origins that may be given a key that was stored with another URL.")
    ]
    observers: Annotated[list[str], msgspec.Meta(description="Plugins that are told what happens.")]


@dataclasses.dataclass(frozen=True)
class EntryOptions:
    """What a provider's table may set for the entry, besides the provider's own options."""

    ttl: Annotated[float, msgspec.Meta(ge=0, le=_YEAR, description="Seconds that a remote answer is reused.")] = 300.0
    timeout: Annotated[
        float, msgspec.Meta(gt=0, le=_YEAR, description="Seconds that one call to a remote place may take.")
    ] = 5.0
    max_stale: Annotated[
        float,
        msgspec.Meta(
            ge=0, le=_YEAR, description="Seconds that an old answer stands in while the place is unavailable."
        ),
    ] = 86400.0
    continue_on: Annotated[
        list[Failure] | None, msgspec.Meta(description="Failures of this entry after which the next one is asked.")
    ] = None
    distribution: Annotated[
        str | None, msgspec.Meta(description="Which distribution's plugin to use, where several offer the name.")
    ] = None


def option_types(cls: object) -> dict[str, Any]:
    """
    Give the type of each option of a dataclass or a `Value`, with its description.

    The names are looked up in the class's module, and msgspec's besides: a
    module that only describes its options need not import it.
    """
    options = _defaults(cls)
    return {name: hint for name, hint in _hints(cls).items() if name in options} if options else {}


@lru_cache(maxsize=64)
def _hints(cls: object) -> dict[str, Any]:
    """Read the annotations of a class, which are texts: half of what it costs to read a configuration."""
    return typing.get_type_hints(cls, localns={"msgspec": msgspec}, include_extras=True)


def check_names(given: Mapping[str, Setting], known: Iterable[str], what: str) -> None:
    """
    Refuse options that do not exist.

    Raises:
        ConfigError: Names the first, its file and table, and the nearest that exists.
    """
    names = list(known)
    for name, setting in given.items():
        if name not in names:
            raise ConfigError(
                f"{what} has no option '{printable(name)}'",
                place=setting.place(name),
                remedy=did_you_mean(name, names),
            )


def convert(option: str, setting: Setting, annotation: Any) -> Any:  # any type a field may have
    """
    Check one value against the type of its option.

    Raises:
        ConfigError: Says what was expected; never shows the value.
    """
    converted = _converted(setting, annotation)
    if isinstance(converted, Problem):
        raise ConfigError(converted.reason, place=setting.place(option), remedy=converted.remedy)
    return converted


def build(cls: Callable[..., T], given: Mapping[str, Setting], what: str) -> T:
    """Make an instance of an options class from what the configuration gives it."""
    types = option_types(cls)
    check_names(given, types, what)
    for name, default in _defaults(cls).items():
        if name in given or default is not dataclasses.MISSING:
            continue
        table = subtable("tool.lamini_creds.provider", what)
        raise ConfigError(f"{what} needs the option '{name}'", remedy=f"Set it in [{table}].")
    return cls(**{name: convert(name, setting, types[name]) for name, setting in given.items()})


def _defaults(cls: object) -> dict[str, object]:
    """Give the default of each option: MISSING for a required one, None for one that is made anew each time."""
    if isinstance(cls, type) and issubclass(cls, Value):
        return {name: getattr(cls, name, dataclasses.MISSING) for name in cls._fields}
    fields = dataclasses.fields(cls) if isinstance(cls, type) and dataclasses.is_dataclass(cls) else ()
    made = dataclasses.MISSING
    return {field.name: field.default if field.default_factory is made else None for field in fields if field.init}


def schema(cls: type) -> dict[str, Any]:
    """Give the JSON Schema of an options class, closed: other names are errors."""
    properties: dict[str, Any] = {}
    for name, annotation in option_types(cls).items():
        properties[name] = msgspec.json.schema(annotation, schema_hook=_schema_of_path)
    for name, default in _defaults(cls).items():
        if default is not dataclasses.MISSING and default is not None:
            properties[name]["default"] = default
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _converted(setting: Setting, annotation: Any) -> Any:
    """Give the value in its type, or a Problem: this frame holds it bare and never raises."""
    value = _from_text(setting.value, annotation) if setting.text else setting.value
    try:
        return msgspec.convert(value, annotation, strict=not setting.text, dec_hook=_path)
    except Exception as error:  # noqa: BLE001  # a type that msgspec can't convert to is a TypeError
        return Problem("has the wrong type or value", _expected(str(error), annotation))


def _path(kind: Any, value: object) -> object:
    """Make a path of its text, which msgspec does not; any other type that it does not know takes its own instances."""
    if isinstance(kind, type) and isinstance(value, kind):
        return value
    if _is_path(kind) and isinstance(value, str):
        return kind(value)
    raise TypeError(f"Expected `{getattr(kind, '__name__', kind)}`, got `{type(value).__name__}`")


def _schema_of_path(kind: type) -> dict[str, Any]:
    if not _is_path(kind):
        raise NotImplementedError
    return {"type": "string"}


def _is_path(kind: Any) -> bool:
    from pathlib import PurePath

    return isinstance(kind, type) and issubclass(kind, PurePath)


def _from_text(value: object, annotation: Any) -> object:
    """Read the text of a variable as a list, where the option takes one: comma-separated, or JSON."""
    if not isinstance(value, str) or not _takes_list(annotation):
        return value
    text = value.strip()
    if text.startswith("["):
        try:
            return msgspec.json.decode(text)
        except msgspec.DecodeError:
            return value
    if _takes_literal(annotation, text):
        return text
    return [part.strip() for part in text.split(",") if part.strip()]


def _takes_list(annotation: Any) -> bool:
    if _is_list(annotation):
        return True
    return typing.get_origin(annotation) is not Literal and any(map(_takes_list, typing.get_args(annotation)))


def _is_list(annotation: Any) -> bool:
    kind = typing.get_origin(annotation) or annotation
    return isinstance(kind, type) and issubclass(kind, Collection) and not issubclass(kind, (str, bytes, Mapping))


def _takes_literal(annotation: Any, text: str) -> bool:
    if typing.get_origin(annotation) is Literal:
        return text in typing.get_args(annotation)
    if _is_list(annotation):
        return False
    return any(_takes_literal(argument, text) for argument in typing.get_args(annotation))


def _expected(message: str, annotation: Any) -> str:
    """Say what was expected; of msgspec's own words only those that name types are kept: others quote the value."""
    found = re.search(r"\$\[(\d+)\]", message)
    expected = f"Item {int(found[1]) + 1}: expected" if found else "Expected"
    if message.startswith("Expected "):
        return expected + message.removeprefix("Expected").split(" - at ", maxsplit=1)[0] + "."
    choices = _choices(annotation)
    if not choices:
        return "See the option's description."
    return f"{expected} one of: {', '.join(choices)}{', or a list' if _takes_list(annotation) and not found else ''}."


def _choices(annotation: Any) -> list[str]:
    if typing.get_origin(annotation) is Literal:
        return [repr(choice) for choice in typing.get_args(annotation)]
    return [choice for argument in typing.get_args(annotation) for choice in _choices(argument)]
