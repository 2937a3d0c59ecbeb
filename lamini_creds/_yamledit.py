"""Edit the text of a YAML file where the parser says that a profile's key and URL stand."""

from __future__ import annotations

import json
import re

import yaml

from lamini_creds._outcome import Problem
from lamini_creds.providers import _yamltext

_INDENT = "    "
_NOT_NAMES = re.compile("true|false|yes|no|on|off|null|y|n", re.IGNORECASE)
_ALIAS = re.compile(r"\s*:\s*\*[^\s,{}\[\]]+")

Pair = tuple[yaml.Node, yaml.Node]


class _Loader(yaml.SafeLoader):
    """A loader in Python, since its marks count characters; it resolves nothing."""

    yaml_implicit_resolvers: dict[str, list[object]] = {}  # noqa: RUF012  # PyYAML's own way to say it


class _ByHandError(Exception):
    """The text has a form that is not edited here."""


def root_of(text: str) -> yaml.MappingNode | None:
    """Give the mapping that a document is; None where there is nothing but comments."""
    root = yaml.compose(text, Loader=_Loader)
    if root is None or _yamltext._is_null(root):
        return None
    if not isinstance(root, yaml.MappingNode):
        raise _ByHandError
    return root


def items(mapping: yaml.Node | None) -> list[Pair]:
    """Give the items of a mapping; of anything else, none."""
    return mapping.value if isinstance(mapping, yaml.MappingNode) else []


def pairs(mapping: yaml.Node | None, name: str) -> list[Pair]:
    """Give the items of this name, duplicates too; what is merged in is another mapping's."""
    return [
        (key, node)
        for key, node in items(mapping)
        if isinstance(key, yaml.ScalarNode) and key.value == name and not _yamltext._is_null(key)
    ]


def quoted(text: str) -> str:
    """Write text in double quotes, as JSON and YAML both read it."""
    return json.dumps(text)


def set_field(text: str, profile: str, name: str, value: str) -> str:
    """
    Set a field where it stands, or else at the head of the profile's section, or in a section at the end.

    Args:
        text: The document.
        profile: The section's name.
        name: "key" or "url".
        value: The value as it is to be written.
    """
    root = root_of(text)
    dotted = _given(root, f"{profile}.{name}")
    if dotted:
        return _with_value(text, *dotted[-1], value)
    section = pairs(root, profile)[-1:]
    if not section:
        return _with_section(text, root, profile, name, value)
    key, node = section[0]
    if _is_alias(key, node):
        raise _ByHandError
    own = pairs(node, name)
    if own:
        return _with_value(text, *own[-1], value)
    if not items(node):
        return _in_empty_section(text, root, key, node, name, value)
    if isinstance(node, yaml.MappingNode) and node.flow_style:
        return _with_item(text, node, f"{quoted(name)}: {value}")
    return _with_line(text, key, items(node)[0][0].start_mark.column, f"{name}: {value}")


def unset_key(text: str, profile: str) -> str:
    """Take out every key that stands in the profile's section; one that is merged into it is covered by a null."""
    while True:
        root = root_of(text)
        held: list[tuple[yaml.Node | None, Pair]] = [(root, pair) for pair in _given(root, f"{profile}.key")]
        for key, node in pairs(root, profile)[-1:]:
            if not _is_alias(key, node):
                held += [(node, pair) for pair in _given(node, "key")]
        if not held:
            break
        mapping, pair = held[-1]
        text = _without(text, mapping, *pair, instead=f"{_name(profile)}:" if mapping is root else "")
    merged = _yamltext.fields(text.encode(), profile)
    return text if isinstance(merged, Problem) or not merged[0].value else set_field(text, profile, "key", "null")


def _given(mapping: yaml.Node | None, name: str) -> list[Pair]:
    return [pair for pair in pairs(mapping, name) if not _yamltext._is_null(pair[1])]


def _with_section(text: str, root: yaml.MappingNode | None, profile: str, name: str, value: str) -> str:
    if root and root.flow_style:
        return _with_item(text, root, f"{quoted(profile)}: {{{quoted(name)}: {value}}}")
    newline, margin = _newline(text), " " * (root.start_mark.column if root else 0)
    start = text if not text or text.endswith("\n") else text + newline
    return f"{start}{margin}{_name(profile)}:{newline}{margin}{_INDENT}{name}: {value}{newline}"


def _in_empty_section(
    text: str, root: yaml.MappingNode | None, key: yaml.Node, node: yaml.Node, name: str, value: str
) -> str:
    """Give a section its first field: in braces where it has them or a word for nothing, else below its name."""
    if node.start_mark.index < node.end_mark.index or (root and root.flow_style):
        return _with_value(text, key, node, f"{{{quoted(name)}: {value}}}")
    return _with_line(text, key, key.start_mark.column + len(_INDENT), f"{name}: {value}")


def _with_value(text: str, key: yaml.Node, node: yaml.Node, value: str) -> str:
    """Put a value in another's place; what follows it, a comment or the end of the line, stays."""
    if _is_alias(key, node):
        raise _ByHandError
    start, end = node.start_mark.index, _end(text, node)
    return f"{text[:start]}{'' if start < end else ' '}{value}{text[end:]}"


def _with_line(text: str, key: yaml.Node, column: int, line: str) -> str:
    """Insert a line below the one that a section's name stands on."""
    head, found, rest = text[key.end_mark.index :].partition("\n")
    newline = _newline(text)
    return f"{text[: key.end_mark.index]}{head}{found or newline}{' ' * column}{line}{newline}{rest}"


def _with_item(text: str, node: yaml.MappingNode, item: str) -> str:
    """Insert an item at the head of a mapping in braces, spaced as the one after it is."""
    start = node.start_mark.index + 1
    if text[start - 1] != "{":
        raise _ByHandError
    rest = text[start:].lstrip()
    space = text[start : len(text) - len(rest)]
    return f"{text[:start]}{space}{item}{',' if node.value else ''}{space or ' ' * bool(node.value)}{rest}"


def _without(text: str, mapping: yaml.Node | None, key: yaml.Node, node: yaml.Node, instead: str) -> str:
    """Take an item out with its line, but for a comment; a document that would be empty keeps a name without value."""
    if isinstance(mapping, yaml.MappingNode) and mapping.flow_style:
        return _with_value(text, key, node, "null")
    alias = _ALIAS.match(text, key.end_mark.index) if _is_alias(key, node) else None
    start, end = key.start_mark.index, alias.end() if alias else _end(text, node)
    line = text.rfind("\n", 0, start) + 1
    rest, _, after = text[end:].partition("\n")
    comment = rest.strip()
    if text[line:start].strip() or not (comment or "#").startswith("#"):
        raise _ByHandError
    kept = " ".join(filter(None, (instead if len(items(mapping)) == 1 else "", comment)))
    return f"{text[:line]}{text[line:start] + kept + _newline(text) if kept else ''}{after}"


def _is_alias(key: yaml.Node, node: yaml.Node) -> bool:
    """Say whether a value is one that stands further up in the text."""
    return bool(node.start_mark.index < key.end_mark.index)


def _end(text: str, node: yaml.Node) -> int:
    """Say where a value ends, without the line ends that the parser counts to it."""
    start: int = node.start_mark.index
    return start + len(text[start : node.end_mark.index].rstrip())


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"


def _name(profile: str) -> str:
    bare = re.fullmatch("[A-Za-z][A-Za-z0-9_-]*", profile) and not _NOT_NAMES.fullmatch(profile)
    return profile if bare else quoted(profile)
