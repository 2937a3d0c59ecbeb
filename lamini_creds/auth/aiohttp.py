"""
The key for [aiohttp](https://docs.aiohttp.org/): `aiohttp.ClientSession(middlewares=[credential_middleware()])`.

    pip install "aiohttp>=3.13"
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamini_creds._credential import Hidden
from lamini_creds.auth._guard import Guard
from lamini_creds.auth._replay import not_replayed

try:
    from aiohttp import ClientHandlerType, ClientMiddlewareType, ClientRequest, ClientResponse  # noqa: TC002  # fails here
except ImportError as error:
    if error.name != "aiohttp":
        raise  # it is here, and something that it needs is not
    raise ImportError('lamini_creds.auth.aiohttp needs aiohttp 3.13: pip install "aiohttp>=3.13"') from None

if TYPE_CHECKING:
    from collections.abc import Collection

    from lamini_creds.auth._guard import Elsewhere, Source


def credential_middleware(
    source: Source = None,
    *,
    elsewhere: Elsewhere = "without",
    header: str | None = None,
    scheme: str | None = None,
    rejected: Collection[int] = (401,),
) -> ClientMiddlewareType:
    """
    Make a middleware that sends the key to its own origin, and once more with a new one when it is rejected.

    aiohttp calls it for every hop of a redirect, each with headers of its own.

    Args:
        source: A resolver, or a credential that stays as it is; the process-wide resolver by default.
        elsewhere: What becomes of a request to another origin: "without" sends it without the key, "raise" raises
            PairingError.
        header: The header that carries the key; the service's by default.
        scheme: The word before the key, as for `Credential.headers`.
        rejected: The statuses by which the server rejects a key; add 403 where it answers so.
    """
    given, source = Hidden(source), None  # what is raised from here on does not show it
    guard = Guard(given, elsewhere=elsewhere, header=header, scheme=scheme, rejected=rejected)

    async def send(request: ClientRequest, handler: ClientHandlerType) -> ClientResponse:
        credential = guard.known() or await guard.afind()
        own = guard.admits(credential, f"{request.url.scheme}://{request.url.raw_authority}")
        guard.apply(request.headers, credential, own=own)
        response = await handler(request)
        if not own or not guard.rejects(response.status):
            return response
        renewed = await guard.arenew(credential)
        if renewed is None:
            return response
        response.release()
        if request.body and request.body.consumed:
            raise not_replayed()
        guard.apply(request.headers, renewed, own=own)
        return await handler(request)

    return send
