"""The protocol between the provider `exec` and its helpers, version 1: what `lamini-creds get --format json` speaks."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from enum import IntEnum
from typing import TYPE_CHECKING

from lamini_creds._credential import BLANKS, Hidden, Secret
from lamini_creds._outcome import Problem

if TYPE_CHECKING:
    from lamini_creds._credential import Credential

VERSION = 1
VARIABLE = "LAMINI_EXEC_PROTOCOL"
_TEXTS = ("key", "url", "source", "secret_version", "expires_at")
_LONGEST_NAME = 256
_SHORTEST_KEY = 8
_SHAPE = f'Expected: {{"version": {VERSION}, "key": ..., "url": ...}}; see docs/reference/exec-protocol.md.'


class Status(IntEnum):
    """What a helper's exit status means; 1 means nothing, since that is what any program that breaks ends with."""

    FOUND = 0
    INVALID = 2
    MISSING = 3
    DENIED = 4
    UNAVAILABLE = 5
    DISCONNECTED = 255


def spoken(credential: Credential) -> dict[str, object]:
    """Give the answer that a helper writes for a credential; the key is in it."""
    answer = {
        "version": VERSION,
        "key": credential.key,
        "url": credential.url,
        "expires_at": credential.expires_at and credential.expires_at.isoformat(),
        "source": f"{credential.provider}: {credential.source}"[:_LONGEST_NAME],
        "secret_version": credential.version and credential.version[:_LONGEST_NAME],
    }
    return {name: value for name, value in answer.items() if value is not None}


def heard(data: Hidden[bytes], place: str) -> Secret | Problem:
    """
    Read a helper's answer: this frame and those below hold it, and none of them raises.

    Args:
        data: What it wrote.
        place: The helper, for messages.
    """
    answer = _document(data)
    if isinstance(answer, Problem):
        return answer
    problem = _misfit(answer.value) or _misplaced(answer.value)
    if problem:
        return problem
    expires_at = _moment(answer.value.get("expires_at"))
    if isinstance(expires_at, Problem):
        return expires_at
    source, version = answer.value.get("source"), answer.value.get("secret_version")
    return Secret(
        str(answer.value["key"]),
        url=_text(answer.value.get("url")),
        source=f"{place}: {source}" if source else place,
        version=_text(version),
        expires_at=expires_at,
    )


def _document(data: Hidden[bytes]) -> Hidden[dict[str, object]] | Problem:
    try:
        answer = json.loads(data.value.decode())
    except UnicodeDecodeError:
        return Problem("answered with bytes that are no text in UTF-8", _SHAPE)
    except json.JSONDecodeError as error:
        what = f"something else than JSON (line {error.lineno}, column {error.colno})" if data.value else "nothing"
        return Problem(f"answered with {what}", _SHAPE)
    except (ValueError, RecursionError):
        return Problem("answered with JSON that can't be read: a number too long, or nesting too deep", _SHAPE)
    if not isinstance(answer, dict):
        return Problem("answered with JSON that is no object", _SHAPE)
    return Hidden(answer)


def _misfit(answer: dict[str, object]) -> Problem | None:
    """Say which member is wrong; the name of an unknown one may be a key, and is not repeated."""
    version = answer.get("version")
    if type(version) is not int or version != VERSION:
        return Problem(f"does not say that it speaks version {VERSION} of the protocol", _SHAPE)
    if not {*answer} <= {"version", *_TEXTS}:
        return Problem(f"has a member that version {VERSION} does not know", f"It knows: {', '.join(_TEXTS)}.")
    for name in _TEXTS:
        value = answer.get(name)
        if value is not None and not isinstance(value, str):
            return Problem(f"holds something else than text at '{name}'", _SHAPE)
    key = answer.get("key")
    if not isinstance(key, str) or not key.strip(BLANKS):
        return Problem("found a key, it says, and gives none", f"Without a key it exits with {Status.MISSING}.")
    return None


def _misplaced(answer: dict[str, object]) -> Problem | None:
    """Refuse what is shown and would show the key; a short one may be in it by chance."""
    key = str(answer["key"]).strip(BLANKS)
    for name in ("source", "secret_version"):
        text = answer.get(name)
        if isinstance(text, str) and (len(text) > _LONGEST_NAME or (len(key) >= _SHORTEST_KEY and key in text)):
            return Problem(f"gives a '{name}' with the key in it, or of more than {_LONGEST_NAME} characters", _SHAPE)
    if len(key) >= _SHORTEST_KEY and key in str(answer.get("url")):
        return Problem("gives a 'url' with the key in it", _SHAPE)
    return None


def _moment(text: object) -> datetime | Problem | None:
    if text is None:
        return None
    with suppress(ValueError, OverflowError):
        moment = datetime.fromisoformat(str(text))
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
    return Problem("gives an 'expires_at' that is no RFC 3339 time with an offset", "Like 2030-01-31T12:00:00Z.")


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
