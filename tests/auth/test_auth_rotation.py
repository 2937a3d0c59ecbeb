"""A server changes its key twice while 100 requests are in flight: all of them succeed, and few ask the store."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from auth.drivers import CLIENTS
from auth.kit import Open
from servers.recorder import Recorder, Reply, Seen

from lamini_creds import Secret
from lamini_creds.testing import ScriptedProvider, resolver_of

KEYS = ["test-key-a", "test-key-b", "test-key-c"]
IN_FLIGHT = 100
ASYNC = ["httpx-async", "aiohttp"]


class Rotation:
    """
    A store, and a server that holds the requests for `/0` until all are there, then those for `/1`.

    Each time the store gets the next key, a moment before the server takes
    no other; only then are the requests answered.
    """

    def __init__(self) -> None:
        self.store = ScriptedProvider()
        self.resolver = resolver_of({"store": self.store})
        self.current = 0
        self.held = 0
        self.turned = [asyncio.Event(), asyncio.Event()]
        self.server = Recorder(self.answer)

    def put(self, number: int) -> None:
        self.store.answer = Secret(KEYS[number], url=self.server.url, source="store")

    async def answer(self, seen: Seen) -> Reply:
        if seen.path == f"/{self.current}" and self.current < len(self.turned):
            await self.hold(self.turned[self.current])
        return Reply(200 if seen.get("Authorization") == f"Bearer {KEYS[self.current]}" else 401)

    async def hold(self, turned: asyncio.Event) -> None:
        self.held += 1
        if self.held % IN_FLIGHT == 0:
            self.put(self.current + 1)
            self.current += 1
            turned.set()
        await turned.wait()


@pytest.mark.parametrize("client", [name for name in CLIENTS if name not in ASYNC])
def test_threads(opened: Open) -> None:
    """100 threads come through two rotations; the store is asked at most twice in each."""
    rotation = Rotation()
    with rotation.server as server, ThreadPoolExecutor(IN_FLIGHT) as threads:
        rotation.put(0)
        client = opened(rotation.resolver)
        statuses = [
            {*threads.map(lambda _, url=f"{server.url}/{number}": client.send(url).status, range(IN_FLIGHT))}
            for number in range(3)
        ]

    assert [{200}] * 3 == statuses
    assert rotation.store.calls <= 1 + 2 * 2


@pytest.mark.parametrize("client", ASYNC)
def test_tasks(opened: Open) -> None:
    """100 tasks come through two rotations; the store is asked at most twice in each."""
    rotation = Rotation()
    with rotation.server as server:
        rotation.put(0)
        client = opened(rotation.resolver, keep=False)  # httpx takes its time with 100 kept connections

        async def send_all(url: str) -> set[int]:
            answers: list[Any] = await asyncio.gather(*(client.asend(url) for _ in range(IN_FLIGHT)))
            return {answer.status for answer in answers}

        statuses = [client.runner.run(send_all(f"{server.url}/{number}")) for number in range(3)]

    assert [{200}] * 3 == statuses
    assert rotation.store.calls <= 1 + 2 * 2
