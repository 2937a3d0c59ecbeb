"""The async clients behind the face of the others: each has an event loop of its own, and `asend` for many at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack
from typing import Any, Self

import aiohttp
import httpx
from auth.kit import Answer, Content, Options

from lamini_creds.auth import aiohttp as our_aiohttp
from lamini_creds.auth import httpx as our_httpx


class _Async:
    def __init__(self, options: Options) -> None:
        self.options = options
        self.stack = AsyncExitStack()
        self.runner = asyncio.Runner()

    def __enter__(self) -> Self:
        self.runner.__enter__()
        self.runner.run(self.open())
        return self

    def __exit__(self, *exc: object) -> None:
        self.runner.run(self.stack.aclose())
        self.runner.close()

    def send(
        self, url: str, method: str = "GET", content: Content = None, files: Mapping[str, Any] | None = None
    ) -> Answer:
        return self.runner.run(self.asend(url, method, content, files))

    async def open(self) -> None: ...

    async def asend(
        self, url: str, method: str = "GET", content: Content = None, files: Mapping[str, Any] | None = None
    ) -> Answer:
        raise NotImplementedError


class HttpxAsync(_Async):
    async def open(self) -> None:
        options = self.options
        self.client = await self.stack.enter_async_context(
            httpx.AsyncClient(
                auth=our_httpx.CredentialAuth(**options.auth) if options.auth else None,
                verify=options.context,
                trust_env=options.trust_env,
                headers=options.headers,
                timeout=options.timeout,
                follow_redirects=options.follow,
                limits=httpx.Limits(max_connections=None, max_keepalive_connections=None if options.keep else 0),
            )
        )

    async def asend(
        self, url: str, method: str = "GET", content: Content = None, files: Mapping[str, Any] | None = None
    ) -> Answer:
        response = await self.client.request(method, url, content=_for_async(content), files=files)
        return Answer(response.status_code, response.content)


class Aiohttp(_Async):
    async def open(self) -> None:
        options = self.options
        self.session = await self.stack.enter_async_context(
            aiohttp.ClientSession(
                middlewares=[our_aiohttp.credential_middleware(**options.auth)] if options.auth else [],
                connector=aiohttp.TCPConnector(ssl=options.context),
                trust_env=options.trust_env,
                headers=options.headers,
                timeout=aiohttp.ClientTimeout(options.timeout),
            )
        )

    async def asend(
        self, url: str, method: str = "GET", content: Content = None, files: Mapping[str, Any] | None = None
    ) -> Answer:
        data: Any = content if hasattr(content, "seek") else _for_async(content)
        if files:
            data = aiohttp.FormData()
            for name, (file, value) in files.items():
                data.add_field(name, value, filename=file)
        async with self.session.request(method, url, data=data, allow_redirects=self.options.follow) as response:
            return Answer(response.status, await response.read())


def _for_async(content: Content) -> Any:
    """Give an async client what it takes in place of a file or an iterator."""
    if content is None or isinstance(content, bytes):
        return content
    return _AsyncFile(content) if hasattr(content, "seek") else _parts(content)


async def _parts(content: Iterator[bytes]) -> AsyncIterator[bytes]:
    for part in content:
        yield part


class _AsyncFile:
    """A file that can be iterated asynchronously, from its beginning every time."""

    def __init__(self, file: Any) -> None:
        self.file = file

    async def __aiter__(self) -> AsyncIterator[bytes]:
        self.file.seek(0)
        yield self.file.read()
