"""What observers and the logger are told: one thing that happened, value-free."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What happened."""

    ATTEMPT = "attempt"
    FETCH = "fetch"
    STALE = "stale"
    OUTAGE_BEGAN = "outage_began"
    OUTAGE_ENDED = "outage_ended"
    INVALIDATED = "invalidated"
    REJECTED_AGAIN = "rejected_again"
    WINNER_CHANGED = "winner_changed"
    TRUST_REFUSED = "trust_refused"


@dataclass(frozen=True, slots=True)
class Event:
    """
    One thing that happened; nothing in it is a key or derived from one but the fingerprint.

    Attributes:
        kind: What happened.
        entry: The entry of the chain.
        place: The concrete source.
        profile: The profile asked for.
        outcome: How the entry answered, for attempts and fetches.
        reason: Why there was no key.
        version: The version of the secret.
        fingerprint: Of the credential that was found or invalidated.
        at: When it happened, by `time.monotonic()`, in seconds.
        seconds: How long it took.
    """

    kind: Kind
    entry: str = ""
    place: str = ""
    profile: str = ""
    outcome: str = ""
    reason: str = ""
    version: str | None = None
    fingerprint: str = ""
    at: float = 0.0
    seconds: float = 0.0
