"""A WSGI service for gunicorn that asks the key's server: one resolver, and one client for each worker."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import urllib3

from lamini_creds import CredentialError, Resolver
from lamini_creds.auth.urllib3 import CredentialPoolManager

if TYPE_CHECKING:
    from collections.abc import Iterable
    from wsgiref.types import StartResponse, WSGIEnvironment

resolver = Resolver()


@cache
def pools() -> urllib3.PoolManager:
    """Make the worker's own client, at its first use: connections don't survive a fork."""
    return CredentialPoolManager(resolver, timeout=60)


def app(_environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    """Answer with the models that the server has."""
    try:
        answer = pools().request("GET", f"{resolver.resolve().url}/v1/models")
    except (CredentialError, urllib3.exceptions.HTTPError):
        start_response("503 Service Unavailable", [("Content-Length", "0")])
        return []
    start_response(f"{answer.status} From Upstream", [("Content-Length", str(len(answer.data)))])
    return [answer.data]
