"""
The key and the URL of one profile, out of the text of a YAML file.

Nothing is constructed: the document is composed into nodes, scalars stay the
text they are, and only the section asked for is looked at. Dotted keys at the
top (`production.key:`) beat nested ones, later duplicates beat earlier ones,
`<<` is merged: the rules of Lamini's own clients (LAMINI_COMPAT.md).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import yaml

from lamini_creds._credential import BLANKS, Hidden
from lamini_creds._outcome import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEEPEST = 50
_MOST_NODES = 100_000
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TEXT_TAGS = frozenset(f"tag:yaml.org,2002:{name}" for name in ("str", "int", "float"))
_SHAPE = "Expected:  production: {key: ..., url: ...}"


class Mark(Protocol):
    """Where PyYAML's Python or C code stands in the text."""

    line: int
    column: int


Fields = tuple[Hidden[str | None], Hidden[str | None]]


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]  # the C loader is optional
    """A loader that resolves nothing: every plain scalar is text."""

    yaml_implicit_resolvers: dict[str, list[object]] = {}  # noqa: RUF012  # PyYAML's own way to say it


class _Refused(Exception):
    """What is wrong with the document; it never leaves this file."""

    def __init__(self, reason: str, mark: Mark | None = None, remedy: str = _SHAPE) -> None:
        where = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        super().__init__(where + reason)
        self.problem = Problem(where + reason, remedy)


def fields(data: bytes, profile: str) -> Fields | Problem:
    """
    Look up key and URL of a profile.

    Args:
        data: The file's bytes: UTF-8, or UTF-16 with a byte order mark.
        profile: The section's name.

    Returns:
        Key and URL, each None where absent or null; or what is wrong with the file.
    """
    try:
        return _fields(data, profile)
    except _Refused as refused:
        return refused.problem
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        return _malformed(data, mark)
    except (yaml.YAMLError, ValueError, RecursionError):
        return Problem("is not YAML text", "Save it as UTF-8 text without control characters.")


def _malformed(data: bytes, mark: Mark | None) -> Problem:
    line = data.splitlines()[mark.line] if mark and mark.line < len(data.splitlines()) else b""
    reason = "a tab stands where YAML wants blanks" if b"\t" in line else "this is not YAML"
    return _Refused(reason, mark, remedy="Mend the line; a YAML file is indented with blanks.").problem


def _fields(data: bytes, profile: str) -> Fields:
    _check_shape(data)
    root = yaml.compose(data, Loader=_Loader)
    if root is None:
        raise _Refused("the file is empty")
    if not isinstance(root, yaml.MappingNode):
        raise _Refused("the top of the file is not a mapping", root.start_mark)
    section = _lookup(root, profile)
    if section is not None and not isinstance(section, yaml.MappingNode) and not _is_null(section):
        raise _Refused("the profile holds no mapping", section.start_mark)
    key, url = (_text(_lookup(root, f"{profile}.{name}")) or _text(_lookup(section, name)) for name in ("key", "url"))
    return Hidden(key), Hidden(url)


def _check_shape(data: bytes) -> None:
    """Bound depth, size after aliases, and the number of documents on the events, before anything is composed."""
    open_counts = [0]
    anchored: dict[str, int] = {}
    anchors: list[str | None] = []
    documents = 0
    for event in yaml.parse(data, Loader=_Loader):
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise _Refused("a second document starts", event.start_mark, "Keep one document in the file.")
        elif isinstance(event, yaml.CollectionStartEvent):
            open_counts.append(1)
            anchors.append(event.anchor)
            if len(anchors) > _DEEPEST:
                raise _Refused(f"nesting is deeper than {_DEEPEST}", event.start_mark)
        elif isinstance(event, yaml.CollectionEndEvent):
            count, anchor = open_counts.pop(), anchors.pop()
            open_counts[-1] += count
            if anchor is not None:
                anchored[anchor] = count
        elif isinstance(event, yaml.AliasEvent):
            open_counts[-1] += anchored.get(event.anchor or "", 1)
        elif isinstance(event, yaml.ScalarEvent):
            open_counts[-1] += 1
        if open_counts[-1] > _MOST_NODES:
            raise _Refused(f"aliases and lists make more than {_MOST_NODES} nodes", event.start_mark)


def _lookup(mapping: yaml.Node | None, name: str, seen: frozenset[int] = frozenset()) -> yaml.Node | None:
    """Find a key's value: the last of duplicates, else what `<<` merges in."""
    if not isinstance(mapping, yaml.MappingNode) or id(mapping) in seen:
        return None
    for key, value in reversed(mapping.value):
        if isinstance(key, yaml.ScalarNode) and key.value == name and not _is_null(key):
            found: yaml.Node = value
            return found
    merges = (_lookup(merged, name, seen | {id(mapping)}) for merged in _merged(mapping))
    return next((value for value in merges if value is not None), None)


def _merged(mapping: yaml.MappingNode) -> Iterator[yaml.Node]:
    for key, value in mapping.value:
        if isinstance(key, yaml.ScalarNode) and key.value == "<<" and _is_plain(key):
            yield from value.value if isinstance(value, yaml.SequenceNode) else (value,)


def _text(node: yaml.Node | None) -> str | None:
    """Give a scalar as it is written; null and blank are None."""
    if node is None or _is_null(node):
        return None
    if not isinstance(node, yaml.ScalarNode):
        raise _Refused("a list or a mapping stands where text belongs", node.start_mark)
    if node.tag not in _TEXT_TAGS:
        raise _Refused("a tag stands where plain text belongs", node.start_mark)
    return node.value if node.value.strip(BLANKS) else None


def _is_null(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and _is_plain(node) and node.value in _NULLS


def _is_plain(node: yaml.ScalarNode) -> bool:
    return not node.style and node.tag == "tag:yaml.org,2002:str"
