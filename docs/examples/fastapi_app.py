"""A FastAPI application that asks the server of its key, and whose health endpoint says where the key was found."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated, Any

import httpx
from fastapi import Depends, FastAPI, Request

from lamini_creds import Credential, Resolver
from lamini_creds.auth.httpx import CredentialAuth

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

resolver = Resolver()


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Open the client with the application, and close it; the resolver stays."""
    async with httpx.AsyncClient(auth=CredentialAuth(resolver)) as app.state.server:
        yield


app = FastAPI(lifespan=lifespan)


async def lamini_credential() -> Credential:
    """Find the credential; this function has no arguments, so no request can choose any."""
    return await resolver.aresolve()


@app.get("/upstream")
async def upstream(credential: Annotated[Credential, Depends(lamini_credential)]) -> dict[str, str]:
    """Say which server is asked, and where its key was found."""
    return {"url": credential.url, "from": credential.source}


@app.get("/models")
async def models(request: Request, credential: Annotated[Credential, Depends(lamini_credential)]) -> Any:
    """Ask the server for its models; the client sends the key, and a new one if that is rejected."""
    answer = await request.app.state.server.get(f"{credential.url}/v1/models")
    return answer.raise_for_status().json()


@app.get("/health")
def health() -> dict[str, object]:
    """Report every place that was asked; no key is in it."""
    return resolver.explain().as_dict()
