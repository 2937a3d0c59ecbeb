"""Key and URL out of the text that a secret manager holds under one name."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from lamini_creds._credential import BLANKS, Hidden, Secret
from lamini_creds._outcome import Problem
from lamini_creds._text import printable
from lamini_creds.errors import ProviderInvalid

if TYPE_CHECKING:
    from datetime import datetime

T = TypeVar("T")
Text = Hidden[str | bytes]
Found = Hidden[str | None]

_SHAPE = 'Store the key alone, or JSON: {"key": ..., "url": ...}'
_KINDS = ((dict, "an object"), (list, "a list"), (bool, "true or false"), ((int, float), "a number"))


def parse_payload(
    data: str | bytes,
    *,
    profile: str,
    source: str,
    key_field: str | None = None,
    url_field: str | None = None,
    version: str | None = None,
    expires_at: datetime | float | None = None,
    url_data: str | bytes | None = None,
    url_source: str = "",
) -> Secret:
    """
    Take the key, and the URL where there is one, from the text of a secret.

    >>> parse_payload('{"staging": {"key": "test-key-1"}}', profile="staging", source="secret 'lamini'").key
    'test-key-1'

    The whole text is the key; or it is a JSON object with `key` and `url`, at
    its top or below the profile's name. The URL is the one beside the key.

    Args:
        data: The text, or its bytes in UTF-8.
        profile: The profile asked for.
        source: The secret's name, for messages.
        key_field: Where the key is: a JSON pointer, or the name of a member;
            `{profile}` in it stands for the profile.
        url_field: Where the URL is, likewise; it must then be there.
        version: The store's name for this version.
        expires_at: When the key ends.
        url_data: The text of a second secret: the URL alone, or JSON with
            `url`, or with what `url_field` names.
        url_source: The second secret's name.

    Raises:
        ProviderInvalid: There is no key in it, or something else than text.
    """
    text, url_text = Hidden(data), None if url_data is None else Hidden(url_data)
    del data, url_data  # a traceback shows the arguments of its frames
    inner_field = url_field if url_text is None else None
    key, url = _raised(_fields(text, profile, key_field, inner_field), source)
    if url_text is None:
        return Secret(key.value, url=url.value, source=source, version=version, expires_at=expires_at)
    if url.value is not None:
        raise ProviderInvalid(
            f"a URL is stored with the key, and so is one in {printable(url_source)}",
            place=source,
            remedy="Take one of the two away.",
        )
    url = _raised(_url(url_text, profile, url_field), url_source)
    return Secret(
        key.value, url=url.value, source=source, url_source=url_source, version=version, expires_at=expires_at
    )


def _raised(found: T | Problem, place: str) -> T:
    """Raise above the parsers: no frame of the traceback holds the text."""
    if isinstance(found, Problem):
        raise ProviderInvalid(found.reason, place=place, remedy=found.remedy)
    return found


def _fields(text: Text, profile: str, key_field: str | None, url_field: str | None) -> tuple[Found, Found] | Problem:
    document = _document(text)
    if isinstance(document, Problem):
        return document
    if isinstance(document.value, str):
        return _whole(document.value, key_field or url_field)
    path = _path(key_field, profile) if key_field is not None else _default_path(document, profile, "key")
    if isinstance(path, Problem):
        return path
    key = _text_at(document, path, required=True)
    beside = _path(url_field, profile) if url_field is not None else (*path[:-1], "url")
    url = _text_at(document, beside, required=url_field is not None)
    if isinstance(key, Problem):
        return key
    return url if isinstance(url, Problem) else (key, url)


def _url(text: Text, profile: str, url_field: str | None) -> Found | Problem:
    document = _document(text)
    if isinstance(document, Problem):
        return document
    if isinstance(document.value, str):
        whole = _whole(document.value, url_field)
        return whole if isinstance(whole, Problem) else whole[0]
    path = _path(url_field, profile) if url_field is not None else _default_path(document, profile, "url")
    return path if isinstance(path, Problem) else _text_at(document, path, required=True)


def _document(text: Text) -> Hidden[object] | Problem:
    """Give the text as it is, or as the JSON that it begins like."""
    if not isinstance(text.value, str | bytes):
        return Problem(f"holds {_kind(text.value)} where text belongs", _SHAPE)
    try:
        plain = text.value.decode() if isinstance(text.value, bytes) else text.value
    except UnicodeDecodeError:
        return Problem("holds bytes that are no text in UTF-8", _SHAPE)
    plain = plain.removeprefix("\ufeff").strip(BLANKS)
    if not plain:
        return Problem("is empty", _SHAPE)
    if plain.startswith("<"):
        return Problem("starts with '<', as a web page or a placeholder does", _SHAPE)
    return _json(plain) if plain.startswith(("{", "[")) else Hidden(plain)


def _json(plain: str) -> Hidden[object] | Problem:
    import json

    try:
        return Hidden(json.loads(plain))
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        return Problem(f"is not JSON, though it begins like it ({where})", _SHAPE)
    except (ValueError, RecursionError):
        return Problem("is JSON that can't be read: a number too long, or nesting too deep", _SHAPE)


def _whole(plain: str, field: str | None) -> tuple[Found, Found] | Problem:
    if field is not None:
        return Problem(f"is no JSON object, so there is no '{printable(field)}' in it", _SHAPE)
    key, url = Found(plain), Found(None)
    return key, url


def _path(field: str, profile: str) -> tuple[str, ...]:
    """Split a JSON pointer (RFC 6901); without its slash it is the name of one member."""
    field = field.replace("{profile}", profile)
    if not field.startswith("/"):
        return (field,)
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in field[1:].split("/"))


def _default_path(document: Hidden[object], profile: str, name: str) -> tuple[str, ...] | Problem:
    """Choose between the top and the profile's section; a section that is there is taken whole."""
    top = document.value
    if not isinstance(top, dict):
        return Problem(f"holds {_kind(top)} where text or an object belongs", _SHAPE)
    if isinstance(top.get(profile), dict):
        return (profile, name)
    if name in top:
        return (name,)
    return Problem(f"has no '{name}', neither at its top nor under '{printable(profile)}'", _SHAPE)


def _text_at(document: Hidden[object], path: tuple[str, ...], *, required: bool) -> Found | Problem:
    value, where = document.value, printable("/".join(("", *path)))
    for part in path:
        value = _member(value, part)
    if value is None:
        return Problem(f"has no '{where}'", "Store it, or name its field.") if required else Hidden(None)
    if not isinstance(value, str):
        return Problem(f"holds {_kind(value)} at '{where}', where text belongs", "Put it in quotes, or name its field.")
    if not value.strip(BLANKS):
        return Problem(f"holds nothing but blanks at '{where}'", "Store it.") if required else Hidden(None)
    return Hidden(value)


def _member(value: object, part: str) -> object:
    if isinstance(value, list) and part.isdecimal() and int(part) < len(value):
        return value[int(part)]
    return value.get(part) if isinstance(value, dict) else None


def _kind(value: object) -> str:
    return next((name for kind, name in _KINDS if isinstance(value, kind)), "something else")
