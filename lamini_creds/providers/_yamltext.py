"""
The key and the URL of one profile, out of the text of a YAML file.

Nothing is constructed: the document is composed into nodes, scalars stay the
text they are, and only the section asked for is looked at. Dotted keys at the
top (`production.key:`) beat nested ones, later duplicates beat earlier ones,
`<<` is merged: the rules of Lamini's own clients (LAMINI_COMPAT.md).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Protocol

import yaml

from lamini_creds._credential import BLANKS, Hidden
from lamini_creds._outcome import Problem

if TYPE_CHECKING:
    from collections.abc import Iterator

_DEEPEST = 50
_MOST_NODES = 100_000
_NO_YAML = re.compile("[^\t\n\r -~\x85\xa0-\ufffd\U00010000-\U0010ffff]")
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
    except Exception:  # noqa: BLE001  # whatever a parser raises may carry the text
        return _not_text(data)


def _malformed(data: bytes, mark: Mark | None) -> Problem:
    line = data.splitlines()[mark.line] if mark and mark.line < len(data.splitlines()) else b""
    reason = "a tab stands where YAML wants blanks" if b"\t" in line else "this is not YAML"
    return _Refused(reason, mark, remedy="Mend the line; a YAML file is indented with blanks.").problem


def _not_text(data: bytes) -> Problem:
    """Name the line of the first character that no YAML text has."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line, reason = data.count(b"\n", 0, error.start) + 1, "this is not UTF-8"
    else:
        bad = _NO_YAML.search(text)
        line, reason = text.count("\n", 0, bad.start() if bad else 0) + 1, "this is not YAML text"
    return Problem(f"line {line}: {reason}", "Save the file as UTF-8 text without control characters.")


def _fields(data: bytes, profile: str) -> Fields:
    _check_shape(data)
    root = yaml.compose(data, Loader=_Loader)
    if root is None or _is_null(root):
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
    size, documents = _Size(), 0
    for event in yaml.parse(data, Loader=_Loader):
        documents += isinstance(event, yaml.DocumentStartEvent)
        if documents > 1:
            raise _Refused("a second document starts", event.start_mark, "Keep one document in the file.")
        size.add(event)
        if size.depth > _DEEPEST:
            raise _Refused(f"nesting is deeper than {_DEEPEST}", event.start_mark)
        if size.nodes > _MOST_NODES:
            raise _Refused(f"aliases and lists make more than {_MOST_NODES} nodes", event.start_mark)


class _Size:
    """How deep a document is nested, and how many nodes it has where every alias stands for all it names."""

    def __init__(self) -> None:
        self._open = [0]
        self._names: list[str | None] = []
        self._anchored: dict[str, int] = {}

    @property
    def depth(self) -> int:
        return len(self._names)

    @property
    def nodes(self) -> int:
        """The nodes of the innermost open collection."""
        return self._open[-1]

    def add(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.CollectionStartEvent):
            self._open.append(1)
            self._names.append(event.anchor)
        elif isinstance(event, yaml.CollectionEndEvent):
            nodes, name = self._open.pop(), self._names.pop()
            self._open[-1] += nodes
            if name is not None:
                self._anchored[name] = nodes
        elif isinstance(event, yaml.AliasEvent):
            self._open[-1] += self._anchored.get(event.anchor or "", 1)
        elif isinstance(event, yaml.ScalarEvent):
            self._open[-1] += 1


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
    for key, value in reversed(mapping.value):
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
