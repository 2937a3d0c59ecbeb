"""A FastAPI application whose endpoints get the credential, and whose health endpoint says where it came from."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, FastAPI

from lamini_creds import Credential, Resolver

resolver = Resolver()
app = FastAPI()


async def lamini_credential() -> Credential:
    """Find the credential; this function has no arguments, so no request can choose any."""
    return await resolver.aresolve()


@app.get("/upstream")
async def upstream(credential: Annotated[Credential, Depends(lamini_credential)]) -> dict[str, str]:
    """Say which server a request would go to; `credential.headers()` is what to send there."""
    return {"url": credential.url, "from": credential.source}


@app.get("/health")
def health() -> dict[str, object]:
    """Report every place that was asked; no key is in it."""
    return resolver.explain().as_dict()
