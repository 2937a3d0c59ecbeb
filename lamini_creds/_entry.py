"""One provider and the freshness of its answer."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, NamedTuple

from lamini_creds import _url
from lamini_creds._credential import BLANKS, Hidden, Secret, parse_key
from lamini_creds._outcome import Outcome, Problem
from lamini_creds._text import printable
from lamini_creds.errors import (
    CredentialError,
    ProviderDenied,
    ProviderInvalid,
    ProviderUnavailable,
    ProviderUnsupported,
)

if TYPE_CHECKING:
    from collections.abc import Hashable
    from datetime import datetime

    from lamini_creds._provider import Context, CredentialProvider

OUTCOMES = {
    ProviderDenied: Outcome.DENIED,
    ProviderUnavailable: Outcome.UNAVAILABLE,
    ProviderUnsupported: Outcome.UNSUPPORTED,
}


class Answer(NamedTuple):
    """
    What a place holds, validated; or why there is nothing to be had from it.

    Attributes:
        outcome: How it answered.
        place: The concrete source of the key.
        key: The key, where it was FOUND.
        url: The URL that the place holds; a MISS may have one too.
        url_place: The concrete source of the URL.
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


class Entry:
    """
    One place in the chain: asked, and its answer kept while the place stays as it is.

    Args:
        label: The entry's name in the chain.
        provider: Who knows the place.
        continue_on: Outcomes after which the chain goes on.
    """

    __slots__ = ("_kept", "_state", "continue_on", "label", "provider")

    def __init__(self, label: str, provider: CredentialProvider, continue_on: frozenset[str] = frozenset()) -> None:
        self.label = label
        self.provider = provider
        self.continue_on = continue_on
        self._state = getattr(provider, "state", None)
        self._kept: tuple[Hidden[Hashable], Answer] | None = None

    @property
    def local(self) -> bool:
        """Whether a look at every call is cheap."""
        return self._state is not None

    def state(self, context: Context) -> Hashable:
        """Give the place's token; one that can't be had equals no other."""
        try:
            return self._state(context) if self._state else object()
        except (Exception, SystemExit):  # noqa: BLE001  # `provide` will tell what is wrong
            return object()

    def look(self, context: Context) -> tuple[Hidden[Hashable], Answer]:
        """Give the place's state with the answer of then: the kept one while the state is unchanged."""
        state = Hidden(self.state(context))
        kept = self._kept
        if kept is None or kept[0].value != state.value or kept[1].expires_at:
            kept = (state, ask(self.provider, context))
            self._kept = kept
        return kept

    def forget(self) -> None:
        """Ask anew the next time."""
        self._kept = None


def ask(provider: CredentialProvider, context: Context) -> Answer:
    """Ask a provider and turn whatever comes of it into an answer; nothing but BaseExceptions leave."""
    try:
        secret = provider.provide(context)
    except CredentialError as error:
        outcome = next((found for kind, found in OUTCOMES.items() if isinstance(error, kind)), Outcome.INVALID)
        return Answer(outcome, error.place, reason=error.reason, remedy=error.remedy, error=type(error))
    except (Exception, SystemExit) as error:  # noqa: BLE001  # its text may hold the key
        return Answer(Outcome.INVALID, reason=f"the provider raised {printable(type(error).__name__)}")
    return _validated(secret)


def _validated(secret: object) -> Answer:
    if secret is None:
        return Answer(Outcome.MISS, reason="holds nothing")
    if not isinstance(secret, Secret):
        return _wrong_type(secret)
    place, key, url = printable(secret.source), parse_key(secret.key), _parse_url(secret.url)
    for problem in (key, url):
        if isinstance(problem, Problem):
            place = place if problem is key else printable(secret.url_source)
            return Answer(Outcome.INVALID, place, reason=problem.reason, remedy=problem.remedy)
    expires_at = _expiry(secret.expires_at)
    if isinstance(expires_at, Problem):
        return Answer(Outcome.INVALID, place, reason=expires_at.reason, remedy=expires_at.remedy)
    return Answer(
        Outcome.FOUND if key else Outcome.MISS,
        place,
        key if isinstance(key, Hidden) else None,
        None if isinstance(url, Problem) else url,
        printable(secret.url_source),
        secret.version,
        expires_at,
        "" if key else secret.reason or "holds no key",
    )


def _wrong_type(found: object) -> Answer:
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


def _expiry(given: object) -> datetime | Problem | None:
    if given is None:
        return None
    from datetime import UTC, datetime

    try:
        ends = given if isinstance(given, datetime) else datetime.fromtimestamp(given, UTC)  # type: ignore[arg-type]
        expired = ends <= datetime.now(UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return Problem("the time of expiry is neither an aware datetime nor seconds since 1970")
    return Problem("the key has expired", "Renew it in the store.") if expired else ends.astimezone(UTC)
