"""
Print what a request costs with each adapter, beside the same client with the key as a plain header.

Run it by `python -m tests.benchmarks.http_adapters [ROUNDS]` from the root of
the repository. The server is a process of its own that answers at once; both
clients send in turns over a connection that they keep, so that a busy machine
slows them alike. The ratios are those of medians.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
import urllib.request
from statistics import median
from typing import TYPE_CHECKING, Any

import aiohttp
import httpx
import requests
import urllib3

from lamini_creds import Resolver
from lamini_creds.auth.aiohttp import credential_middleware
from lamini_creds.auth.httpx import CredentialAuth as HttpxAuth
from lamini_creds.auth.requests import CredentialAuth as RequestsAuth
from lamini_creds.auth.urllib import CredentialHandler
from lamini_creds.auth.urllib3 import CredentialPoolManager

if TYPE_CHECKING:
    from collections.abc import Callable

SERVER = """
import asyncio
async def serve(reader, writer):
    while await reader.readuntil(b"\\r\\n\\r\\n"):
        writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok")
async def main():
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()
asyncio.run(main())
"""
GOAL = 1.05
BATCH = 10


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 300
    with subprocess.Popen([sys.executable, "-c", SERVER], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as server:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{int(server.stdout.readline())}"
        try:
            measure(url, rounds)
        finally:
            server.kill()


def measure(url: str, rounds: int) -> None:
    resolver = Resolver({}, environ={"LAMINI_API_KEY": "test-key-1", "LAMINI_API_URL": url})
    print(f"{'a request on loopback, in us':<30} alone   with   ratio")  # noqa: T201
    for name, (alone, keyed) in pairs(resolver, f"{url}/v1/models").items():
        show(name, *in_turns(alone, keyed, rounds))
    asyncio.run(measure_async(resolver, f"{url}/v1/models", rounds))


def pairs(resolver: Resolver, url: str) -> dict[str, tuple[Callable[[], object], Callable[[], object]]]:
    """Give each client alone, with a plain header, and with its adapter."""
    plain: dict[str, str] = resolver.resolve().headers()
    httpx_alone, httpx_keyed = httpx.Client(headers=plain), httpx.Client(auth=HttpxAuth(resolver))
    custom = httpx.Client(auth=HttpxAuth(resolver, header="X-API-Key"))
    requests_alone, requests_keyed = requests.Session(), requests.Session()
    requests_alone.headers.update(plain)
    requests_keyed.auth = RequestsAuth(resolver)
    pool_alone, pool_keyed = urllib3.PoolManager(headers=plain), CredentialPoolManager(resolver)
    proxies = urllib.request.ProxyHandler({})
    opener_alone = urllib.request.build_opener(proxies)
    opener_alone.addheaders += list(plain.items())
    opener_keyed = urllib.request.build_opener(proxies, CredentialHandler(resolver))
    return {
        "httpx": (lambda: httpx_alone.get(url), lambda: httpx_keyed.get(url)),
        "httpx, another header": (lambda: httpx_alone.get(url), lambda: custom.get(url)),
        "requests": (lambda: requests_alone.get(url), lambda: requests_keyed.get(url)),
        "urllib3": (lambda: pool_alone.request("GET", url), lambda: pool_keyed.request("GET", url)),
        "urllib": (lambda: opener_alone.open(url).close(), lambda: opener_keyed.open(url).close()),
    }


async def measure_async(resolver: Resolver, url: str, rounds: int) -> None:
    """Measure the async clients, in one event loop."""
    plain = resolver.resolve().headers()
    async with (
        httpx.AsyncClient(headers=plain) as httpx_alone,
        httpx.AsyncClient(auth=HttpxAuth(resolver)) as httpx_keyed,
        aiohttp.ClientSession(headers=plain) as aiohttp_alone,
        aiohttp.ClientSession(middlewares=[credential_middleware(resolver)]) as aiohttp_keyed,
    ):

        async def read(session: aiohttp.ClientSession) -> None:
            async with session.get(url) as response:
                await response.read()

        cases: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
            "httpx, async": (lambda: httpx_alone.get(url), lambda: httpx_keyed.get(url)),
            "aiohttp": (lambda: read(aiohttp_alone), lambda: read(aiohttp_keyed)),
        }
        for name, case in cases.items():
            times: tuple[list[float], list[float]] = ([], [])
            for _ in range(rounds):
                for send, taken in zip(case, times, strict=True):
                    began = time.perf_counter()
                    for _ in range(BATCH):
                        await send()
                    taken.append((time.perf_counter() - began) / BATCH)
            show(name, *times)


def in_turns(alone: Callable[[], object], keyed: Callable[[], object], rounds: int) -> tuple[list[float], list[float]]:
    """Send by the one and by the other in turns; give the seconds of each."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(rounds):
        for send, taken in zip((alone, keyed), times, strict=True):
            began = time.perf_counter()
            for _ in range(BATCH):
                send()
            taken.append((time.perf_counter() - began) / BATCH)
    return times


def show(name: str, alone: list[float], keyed: list[float]) -> None:
    before, after = median(alone) * 1e6, median(keyed) * 1e6
    print(f"  {name:<26} {before:>7,.0f} {after:>6,.0f}   {after / before:.3f}; goal: at most {GOAL}")  # noqa: T201


if __name__ == "__main__":
    main()
