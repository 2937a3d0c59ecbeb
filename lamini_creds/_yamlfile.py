"""
Change the key and the URL of one profile in the text of a YAML file, and nothing else.

The text is edited where the values stand, so that all of the rest stays as its
author wrote it, byte for byte. What comes out is read again before it counts:
the profile has to hold what was asked for, and every other part of the
document what it held before.
"""

from __future__ import annotations

import codecs
from typing import TYPE_CHECKING

import yaml

from lamini_creds import _yamledit
from lamini_creds._credential import Hidden
from lamini_creds._outcome import Problem
from lamini_creds.providers import _yamltext

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamini_creds.providers._yamltext import Fields

_BY_HAND = Problem("can't be changed without touching other parts of it", "Change the key in it by hand.")
_ENCODINGS = {codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF16_LE: "utf-16-le", codecs.BOM_UTF16_BE: "utf-16-be"}


def fields(data: bytes, profile: str) -> Fields | Problem:
    """Look key and URL of a profile up; a file that is empty but for comments has none."""
    nothing: Fields = (Hidden(None), Hidden(None))
    found = _yamltext.fields(data, profile)
    return nothing if isinstance(found, Problem) and is_empty(data) else found


def is_empty(data: bytes) -> bool:
    """Say whether a file holds nothing but comments."""
    try:
        return _yamledit.root_of(_Text(data).text) is None
    except Exception:  # noqa: BLE001  # whatever a parser raises may carry the text
        return False


def stands(data: bytes, profile: str) -> bool:
    """Say whether a file that can be read has a section for a profile, be it empty."""
    try:
        root = _yamledit.root_of(_Text(data).text)
    except Exception:  # noqa: BLE001  # whatever a parser raises may carry the text
        return False
    return any(_yamledit.pairs(root, name) for name in (profile, f"{profile}.key", f"{profile}.url"))


def with_key(data: bytes, profile: str, key: Hidden[str], url: str | None) -> Hidden[bytes] | Problem:
    """
    Store a key.

    Args:
        data: The file as it is; empty where there is none.
        profile: The section's name.
        key: The key.
        url: The URL; None to keep the one that is there.

    Returns:
        The new content; or what is wrong with the file.
    """
    before = fields(data, profile)
    if isinstance(before, Problem):
        return before

    def edit(text: str) -> str:
        if url is not None:
            text = _yamledit.set_field(text, profile, "url", _yamledit.quoted(url))
        return _yamledit.set_field(text, profile, "key", _yamledit.quoted(key.value))

    return _edited(data, profile, edit, (key.value, before[1].value if url is None else url))


def without_key(data: bytes, profile: str) -> Hidden[bytes] | Problem | None:
    """
    Take a key out, every duplicate of it too; the URL and all comments stay.

    Args:
        data: The file as it is.
        profile: The section's name.

    Returns:
        The new content; None where there is no key; or what is wrong with the file.
    """
    before = fields(data, profile)
    if isinstance(before, Problem):
        return before
    if before[0].value is None:
        return None
    return _edited(data, profile, lambda text: _yamledit.unset_key(text, profile), (None, before[1].value))


class _Text:
    """The text of a file, and how to write another one in the same encoding."""

    __slots__ = ("_encoding", "_mark", "text")

    def __init__(self, data: bytes) -> None:
        self._mark = next((mark for mark in _ENCODINGS if data.startswith(mark)), b"")
        self._encoding = _ENCODINGS.get(self._mark, "utf-8")
        self.text = data.removeprefix(self._mark).decode(self._encoding)

    def encoded(self, text: str) -> bytes:
        return self._mark + text.encode(self._encoding)


def _edited(
    data: bytes, profile: str, edit: Callable[[str], str], wanted: tuple[str | None, str | None]
) -> Hidden[bytes] | Problem:
    """Edit the text, and look whether the outcome is what it should be; this frame never raises."""
    try:
        source = _Text(data)
        result = source.encoded(edit(source.text))
        found = fields(result, profile)
        if isinstance(found, Problem) or (found[0].value, found[1].value) != wanted:
            return _BY_HAND
        if _others(source.text, profile) != _others(_Text(result).text, profile):
            return _BY_HAND
    except Exception:  # noqa: BLE001  # whatever a parser raises may carry the text
        return _BY_HAND
    return Hidden(result)


def _others(text: str, profile: str) -> list[object]:
    """Give all of a document but the profile's key and URL; what aliases share is given once."""
    root = _yamledit.root_of(text)
    section = _yamledit.pairs(root, profile)[-1:]
    seen: dict[int, object] = {id(node): "the profile" for _, node in section}
    dotted = {f"{profile}.{name}" for name in ("key", "url")}
    outer = [pair for pair in _yamledit.items(root) if pair not in section and pair[0].value not in dotted]
    inner = [pair for _, node in section for pair in _yamledit.items(node) if pair[0].value not in ("key", "url")]
    return [_plain(node, seen) for pair in (*outer, *inner) for node in pair]


def _plain(node: yaml.Node, seen: dict[int, object]) -> object:
    if isinstance(node, yaml.ScalarNode):
        return node.tag, node.value
    if id(node) not in seen:
        seen[id(node)] = len(seen)
        nested = [part for pair in _yamledit.items(node) for part in pair] or node.value
        return node.tag, [_plain(part, seen) for part in nested]
    return seen[id(node)]
