"""The keys of one entry that servers have rejected, and how often the store may be asked because of that."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from lamini_creds._credential import Hidden

if TYPE_CHECKING:
    from lamini_creds._answer import Answer
    from lamini_creds._clock import Moment

_WINDOW = 5.0
_MOST = 4


class Rejections:
    """
    The last keys that were rejected, and the times of their rejections.

    Some keys in a row are asked for at once, so that a rotation is followed.
    A server that rejects whatever the store gives does not drive the store: the
    same key again, or a fourth one within 5 s, stays until they are over.
    """

    __slots__ = ("_again_at", "_key", "_keys", "_times")

    def __init__(self) -> None:
        self._key: Hidden[str] | None = None
        self._keys: deque[Hidden[str]] = deque(maxlen=_MOST)
        self._again_at: Moment | None = None
        self._times: deque[Moment] = deque(maxlen=_MOST)

    @property
    def pending(self) -> bool:
        """Whether the store has given no other key since."""
        return self._key is not None

    def had(self, key: str) -> bool:
        """Say whether this is one of the last keys: callers who got it before the others may reject it after them."""
        return any(rejected.value == key for rejected in self._keys)

    def too_many(self, now: Moment) -> bool:
        """Say whether the store has been asked as often as it may for a while."""
        oldest = self._times[0] if len(self._times) == _MOST else None
        return any(then is not None and now.since(then) < _WINDOW for then in (self._again_at, oldest))

    def add(self, key: str, now: Moment) -> None:
        """Note a rejection that has the store asked."""
        self._times.append(now)
        self._key, self._again_at = Hidden(key), None
        self._keys.append(self._key)

    def came_again(self, answer: Answer, now: Moment) -> bool:
        """Note what the store gives after a rejection; say whether it is the rejected key again."""
        if self._key is None or answer.key is None:
            return False
        if self._key.value == answer.key.value:
            self._again_at = now
            return True
        self._key = self._again_at = None
        return False
