"""From whatever a provider gives or raises to an answer that holds a validated key, or none."""

from __future__ import annotations

from time import time
from typing import TYPE_CHECKING

from lamini_creds import _url
from lamini_creds._credential import BLANKS, Hidden, Secret, parse_key
from lamini_creds._outcome import Outcome, Problem
from lamini_creds._text import printable
from lamini_creds._value import Value
from lamini_creds.errors import (
    CredentialError,
    ProviderDenied,
    ProviderInvalid,
    ProviderUnavailable,
    ProviderUnsupported,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from lamini_creds._provider import Context, CredentialProvider

OUTCOMES = {
    ProviderDenied: Outcome.DENIED,
    ProviderUnavailable: Outcome.UNAVAILABLE,
    ProviderUnsupported: Outcome.UNSUPPORTED,
}


class Answer(Value):
    """
    What a place holds, validated; or why there is nothing to be had from it.

    Attributes:
        outcome: How it answered.
        place: The concrete source of the key.
        key: The key, where it was FOUND.
        url: The URL that the place holds; a MISS may have one too.
        url_place: The concrete source of the URL.
        version: The store's name for the version.
        expires_at: When the key ends, in UTC.
        reason: Why there is no key.
        remedy: What to do about it.
        error: What to raise where the chain fails on this.
    """

    outcome: Outcome
    place: str = ""
    key: Hidden[str] | None = None
    url: _url.Url | None = None
    url_place: str = ""
    version: str | None = None
    expires_at: datetime | None = None
    reason: str = ""
    remedy: str = ""
    error: type[CredentialError] = ProviderInvalid


def ask(provider: CredentialProvider, context: Context, clock: Callable[[], float] = time) -> Answer:
    """
    Ask a provider and turn whatever comes of it into an answer.

    Args:
        provider: Who is asked.
        context: What it may look at.
        clock: Gives the time that expiry dates are held against.
    """
    try:
        return _validated(provider.provide(context), clock)
    except CredentialError as error:
        outcome = next((found for kind, found in OUTCOMES.items() if isinstance(error, kind)), Outcome.INVALID)
        told = [printable(text) for text in (error.place, error.reason, error.remedy)]
        return Answer(outcome, told[0], reason=told[1], remedy=told[2], error=type(error))
    except (Exception, SystemExit) as error:  # noqa: BLE001  # its text may hold the key
        return Answer(Outcome.INVALID, reason=f"the provider raised {printable(type(error).__name__)}")
    except KeyboardInterrupt:
        pass
    raise KeyboardInterrupt  # anew, without the provider's frames, which hold what they were looking at


def _validated(secret: object, clock: Callable[[], float]) -> Answer:
    if secret is None:
        return Answer(Outcome.MISS, reason="holds nothing")
    if not isinstance(secret, Secret):
        return _wrong_type(secret)
    place, key, url = printable(secret.source), parse_key(secret.key), _parse_url(secret.url)
    for problem in (key, url):
        if isinstance(problem, Problem):
            place = place if problem is key else printable(secret.url_source)
            return Answer(Outcome.INVALID, place, reason=problem.reason, remedy=problem.remedy)
    expires_at = _expiry(secret.expires_at, clock)
    if isinstance(expires_at, Problem):
        return Answer(Outcome.INVALID, place, reason=expires_at.reason, remedy=expires_at.remedy)
    return Answer(
        Outcome.FOUND if key else Outcome.MISS,
        place,
        key if isinstance(key, Hidden) else None,
        None if isinstance(url, Problem) else url,
        printable(secret.url_source),
        None if secret.version is None else printable(secret.version),
        expires_at,
        "" if key else printable(secret.reason) or "holds no key",
    )


def _wrong_type(found: object) -> Answer:
    import inspect

    what = printable(type(found).__name__)
    if inspect.iscoroutine(found):
        found.close()
        what = "coroutine: `provide` is a plain function"
    return Answer(Outcome.INVALID, reason=f"the provider returned a {what}", remedy="Return a Secret, or None.")


def _parse_url(raw: object) -> _url.Url | Problem | None:
    if raw is None:
        return None
    if not isinstance(raw, str):
        return Problem(f"the URL is of type {printable(type(raw).__name__)}, not text", "Give the URL as a string.")
    text = raw.strip(BLANKS)
    return _url.parse(text) if text else None


def _expiry(given: object, clock: Callable[[], float]) -> datetime | Problem | None:
    if given is None:
        return None
    from datetime import UTC, datetime

    try:
        ends = given if isinstance(given, datetime) else datetime.fromtimestamp(given, UTC)  # type: ignore[arg-type]
        expired = ends <= datetime.fromtimestamp(clock(), UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return Problem("the time of expiry is neither an aware datetime nor seconds since 1970")
    return Problem("the key has expired", "Renew it in the store.") if expired else ends.astimezone(UTC)
