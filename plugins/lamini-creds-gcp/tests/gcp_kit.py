"""The words that the tests share."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from time import monotonic
from typing import TYPE_CHECKING

from lamini_creds import Context

if TYPE_CHECKING:
    from lamini_creds import CredentialProvider

SECRET = "projects/test-project/secrets/lamini"
KEY = "test-key-gcp-1234567890"
STORE_HOST = "secretmanager.googleapis.com"
REGIONAL_HOST = "secretmanager.europe-west3.rep.googleapis.com"
PROXY = ("HTTPS_PROXY", "https_proxy")  # gRPC reads the second alone
PERSON = {"type": "authorized_user", "client_id": "a", "client_secret": KEY, "refresh_token": KEY}
LAMINI_HOST = "api.powerml.co"
LOGIN_HOSTS = ("iamcredentials.googleapis.com", "oauth2.googleapis.com")


def within(seconds: float = 10.0, profile: str = "production") -> Context:
    """Give a context whose answer is due in so many seconds."""
    return Context(environ=dict(os.environ), profile=profile, deadline=monotonic() + seconds)


def failure(provider: CredentialProvider, seconds: float) -> BaseException | None:
    """Give what the provider raises; ten seconds are less than Google's libraries would take."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(provider.provide, within(seconds)).exception(10)
