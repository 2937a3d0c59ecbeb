"""What carries a key or a resolver is copied as it would be without, and never pickled."""

from __future__ import annotations

from typing import Never, Self


class Sealed:
    """
    Headers that carry a key.

    Requests hold them, answers hold requests, and errors hold either; so this
    is where the pickling of any of them ends.
    """

    def copy(self) -> Self:
        """Copy the headers, the key included."""
        return type(self)(self)  # type: ignore[call-arg]  # the other base is the client's, and takes headers

    def __copy__(self) -> Self:
        return self.copy()

    def __deepcopy__(self, _: object) -> Self:
        return self.copy()

    def __reduce_ex__(self, _: object) -> tuple[object, ...]:
        raise TypeError(
            "a request that carries a key is never pickled, nor is an answer to it: the key would be written out too. "
            "Hand on what is needed of the answer, such as its status and its body"
        )


class Shared:
    """What an adapter and its copies share."""

    __slots__ = ()

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, _: object) -> Self:
        return self

    def __reduce_ex__(self, _: object) -> Never:
        raise TypeError("an adapter is never pickled, since it may hold a key: make one in the process that needs it")
