"""The configuration as values: what was set, where, and which setting counts."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lamini_creds._text import printable
from lamini_creds._value import Value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from lamini_creds._claim import Claim

DEFAULT_ORDER = ("explicit", "env", "file", "yaml", "aws", "gcp", "azure")
URL_PLACES = ("env", "file", "yaml")


class Setting:
    """
    One value of the configuration with its origin; it prints without the value, which may be a misplaced key.

    Args:
        value: As TOML or Python gave it; text where it came from a variable.
        source: The file or the variable it stands in.
        table: The table of the file.
        text: It came as text, and is still to be read as its type.
        name: How the file spells the option, where two spellings say the same.
    """

    __slots__ = ("name", "source", "table", "text", "value")

    def __init__(self, value: object, source: str, table: str = "", *, text: bool = False, name: str = "") -> None:
        self.value, self.source, self.table, self.text, self.name = value, source, table, text, name

    def __repr__(self) -> str:
        return f"<Setting from {self.source}>"

    def typed(self, value: object) -> Setting:
        """Give the setting with its value read as its type."""
        return Setting(value, self.source, self.table, text=self.text, name=self.name)

    def place(self, option: str) -> str:
        """Name file, table and option, or the variable, for a message."""
        if self.text:
            return self.source
        table = f"[{self.table}] " if self.table else ""
        return f"{self.source}: {table}{printable(self.name or option)}"


class Section(Value):
    """
    One table with its entries' tables: the base of a layer, or one profile's overlay.

    Attributes:
        top: The settings of the table itself.
        entries: The options of each entry, by its label.
    """

    top: dict[str, Setting]
    entries: dict[str, dict[str, Setting]]


class Layer(Value):
    """
    Everything that one file, the environment or the code sets.

    Attributes:
        source: The file, "the environment" or "code".
        base: What holds for every profile.
        overlays: What a profile sets in its stead.
        project: It is a project's file that was found rather than named, and that counts without trust.
        claim: Makes such a file's claim to be trusted; it is there where trust was given, too.
    """

    source: str
    base: Section
    overlays: dict[str, Section]
    project: bool = False
    claim: Callable[[], Claim] | None = None

    def sections(self, profile: str | None) -> Iterator[Section]:
        """Give the profile's overlay, then the base; every overlay where no profile is given."""
        if profile is None:
            yield from self.overlays.values()
        elif profile in self.overlays:
            yield self.overlays[profile]
        yield self.base

    def labels(self) -> set[str]:
        """Give every entry that this layer names, in an order or by a table."""
        named: set[str] = set()
        for section in self.sections(None):
            named.update(section.entries, _labels(section.top.get("providers")))
        return named


class Settings:
    """
    The merged configuration of one resolver.

    Args:
        layers: The nearest first; each is valid by itself.
    """

    __slots__ = ("layers",)

    def __init__(self, layers: tuple[Layer, ...] = ()) -> None:
        self.layers = layers

    def find(self, option: str, profile: str) -> Setting | None:
        """Give the nearest setting of an option: in each layer the profile's overlay before the base."""
        for layer in self.layers:
            for section in layer.sections(profile):
                if option in section.top:
                    return section.top[option]
        return None

    def entry(self, label: str, profile: str) -> dict[str, Setting]:
        """Merge the options that all layers give to an entry, the nearest of each."""
        merged: dict[str, Setting] = {}
        for layer in self.layers:
            for section in layer.sections(profile):
                merged = section.entries.get(label, {}) | merged
        return merged

    def order(self, profile: str) -> tuple[str, ...]:
        """Give the chain's labels in order, without `explicit`, which is always first."""
        setting = self.find("providers", profile)
        return tuple(label for label in (_labels(setting) if setting else DEFAULT_ORDER) if label != "explicit")

    def url_places(self, profile: str) -> tuple[str, ...]:
        """
        Give the labels of env, file and yaml, nearest first: where a key without a URL finds one.

        They stand in the order that trusted layers give them. A project file
        that nobody trusts can't take one away, or put another before it.
        """
        trusted = Settings(tuple(layer for layer in self.layers if not layer.project)).order(profile)
        labels = (*trusted, *(name for name in URL_PLACES if name not in trusted))
        return tuple(label for name in URL_PLACES for label in labels if label.partition(":")[0] == name)

    def listed(self, label: str, profile: str) -> bool:
        """Say whether anybody named this entry: in an order, or by setting an option of it."""
        return self.find("providers", profile) is not None or bool(self.entry(label, profile))


def subtable(table: str, *names: str) -> str:
    """Write a table's dotted name as TOML would: a part that is not bare is quoted."""
    parts = (name if re.fullmatch(r"[A-Za-z0-9_-]+", name) else f'"{printable(name)}"' for name in names)
    return ".".join(filter(None, (table, *parts)))


def _labels(setting: Setting | None) -> list[str]:
    return setting.value if setting and isinstance(setting.value, list) else []
