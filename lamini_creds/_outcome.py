"""What became of a walk along the chain: plain values that never hold a key."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from lamini_creds._value import Value

if TYPE_CHECKING:
    from lamini_creds._credential import Credential
    from lamini_creds._freshness import Freshness
    from lamini_creds.errors import CredentialError


class Outcome(StrEnum):
    """How one entry answered, and so what the chain does next."""

    FOUND = "found"
    MISS = "miss"
    UNSUPPORTED = "unsupported"
    DENIED = "denied"
    UNAVAILABLE = "unavailable"
    INVALID = "invalid"


class Problem(Value):
    """
    What is wrong with something that was read; a parser returns it in place of a value.

    Attributes:
        reason: What is wrong, without the value.
        remedy: What to do about it.
    """

    reason: str
    remedy: str = ""


class Attempt(Value):
    """
    One entry's outcome in one walk.

    Attributes:
        entry: The entry's label in the chain.
        outcome: How it answered.
        place: The concrete source: a variable, a file, a secret's name.
        reason: Why there is no key from here, where there is none.
        remedy: What to do about it.
        version: The version of the secret, where the store tells one.
        seconds: How long the answer took.
        shadowed: Asked only for the report: an entry before it had answered.
        freshness: How old the answer of a remote place is.
    """

    entry: str
    outcome: Outcome
    place: str = ""
    reason: str = ""
    remedy: str = ""
    version: str | None = None
    seconds: float = 0.0
    shadowed: bool = False
    freshness: Freshness | None = None

    def __str__(self) -> str:
        where = f"{self.entry}: {self.place}" if self.place not in ("", self.entry) else self.entry
        return f"{where}: {self.reason or self.outcome}"


class Resolution(Value):
    """
    The outcome of a whole walk: a credential or an error, with every attempt.

    Attributes:
        profile: The profile that was asked for.
        credential: What was found, or None.
        attempts: One for each place asked, in the chain's order.
        error: Why there is no credential, or None.
        warnings: What works but should be mended.
    """

    profile: str
    credential: Credential | None
    attempts: tuple[Attempt, ...]
    error: CredentialError | None = None
    warnings: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, object]:
        """Give the report as JSON-ready values, fit for a health endpoint: no key is in it."""
        found = self.credential
        return {
            "found": found is not None,
            "profile": self.profile,
            "credential": found
            and {
                "provider": found.provider,
                "source": found.source,
                "url": found.url,
                "url_source": found.url_source,
                "profile": found.profile,
                "version": found.version,
                "expires_at": found.expires_at and found.expires_at.isoformat(),
                "fingerprint": found.fingerprint,
            },
            "attempts": [
                {
                    "entry": attempt.entry,
                    "outcome": attempt.outcome.value,
                    "place": attempt.place,
                    "reason": attempt.reason,
                    "remedy": attempt.remedy,
                    "version": attempt.version,
                    "milliseconds": round(attempt.seconds * 1000, 3),
                    "shadowed": attempt.shadowed,
                    "freshness": attempt.freshness and attempt.freshness._asdict(),
                }
                for attempt in self.attempts
            ],
            "error": self.error
            and {
                "type": type(self.error).__name__,
                "place": self.error.place,
                "reason": self.error.reason,
                "remedy": self.error.remedy,
            },
            "warnings": list(self.warnings),
        }
