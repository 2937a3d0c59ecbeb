"""One walk for all the tasks of an event loop that come while it is under way: a thousand of them hold nothing up."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from lamini_creds._flight import Flight

if TYPE_CHECKING:
    from collections.abc import Generator

    from lamini_creds._call import Wait
    from lamini_creds._credential import Credential
    from lamini_creds._events import Events
    from lamini_creds._link import Link

    Finding = Generator[Events | Link | Wait, None, Credential]

_ENDLESS = float("inf")


class Walks:
    """The walks under way, one for each event loop and profile."""

    __slots__ = ("_under_way",)

    def __init__(self) -> None:
        self._under_way: dict[tuple[asyncio.AbstractEventLoop, str | None], Flight[None]] = {}

    async def joined(self, profile: str | None) -> bool:
        """Wait for the walk under way in this loop; say whether there was one."""
        walk = self._under_way.get((asyncio.get_running_loop(), profile))
        return walk is not None and await walk.awaited(_ENDLESS)

    async def walk(self, profile: str | None, finding: Finding) -> Credential:
        """Walk, and have the tasks that come meanwhile wait; they look for themselves afterwards."""
        place = asyncio.get_running_loop(), profile
        walk: Flight[None] = Flight(_nothing, _ENDLESS)
        if self._under_way.setdefault(place, walk) is not walk:  # a task that has waited already walks beside others
            return await driven(finding)
        try:
            return await driven(finding)
        finally:
            del self._under_way[place]
            walk.land(None)


async def driven(finding: Finding) -> Credential:
    """Await what a walk yields, and give what it returns."""
    try:
        while True:
            await next(finding).awaited()
    except StopIteration as found:
        credential: Credential = found.value
    return credential


def _nothing() -> None:
    return
