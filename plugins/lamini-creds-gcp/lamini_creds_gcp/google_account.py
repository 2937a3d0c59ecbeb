"""The provider `google`: Lamini's key for whoever is logged in with a Google account, as in Lamini's Colab login."""

from __future__ import annotations

import json
import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from http.client import HTTPException
from subprocess import TimeoutExpired
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any
from urllib import request as http
from urllib.error import HTTPError
from urllib.parse import urlencode

from google.auth.exceptions import GoogleAuthError
from google.oauth2.credentials import Credentials

from lamini_creds import (
    ProviderDenied,
    ProviderError,
    ProviderInvalid,
    ProviderUnavailable,
    Secret,
    hookimpl,
    parse_payload,
    quiet_logs,
)
from lamini_creds_gcp._login import LoginRequest, ask_gcloud, default_login, in_time, log_in, seconds_left

if TYPE_CHECKING:
    from http.client import HTTPResponse

    import msgspec

    from lamini_creds import Context

_SCOPES = ["openid", "https://www.googleapis.com/auth/userinfo.email"]  # who it is, and nothing that opens a cloud
_LARGEST = 65536
_LOG_IN = "Run `gcloud auth application-default login`; in Colab, `google.colab.auth.authenticate_user()`."
_SLOW = "gcloud is slow: set a longer `timeout`, or run `gcloud auth application-default login`."
_CHECK = "Check the option `endpoint`; no redirect is followed."
_SIGN_IN = "Sign in at https://app.lamini.ai with this Google account once, or log in with another one."


@dataclass(frozen=True)
class GoogleProvider:
    """The key that Lamini gives to a Google account; the account's access token is sent to Lamini for it."""

    endpoint: Annotated[
        Annotated[
            str,
            msgspec.Meta(pattern=r"^(https://[A-Za-z0-9.-]+(:\d+)?|http://(127\.0\.0\.1|localhost):\d+)(/[\w./~-]*)?$"),
        ],
        msgspec.Meta(description="Where Lamini trades tokens for keys; http:// only on this machine."),
    ] = "https://api.powerml.co/data_studio/auth/verify_gcloud_token"

    def provide(self, context: Context) -> Secret:
        """Get a token from Google, and trade it for a key."""
        answer = self._traded(_logged_in(context), context)
        with suppress(ProviderInvalid):
            return parse_payload(answer.key or "", profile=context.profile, source=self.endpoint, key_field="token")
        raise ProviderInvalid("answers without a key", place=self.endpoint, remedy=_CHECK)

    def _traded(self, token: Secret, context: Context) -> Secret:
        """
        Give the whole answer, as a Secret because that does not show it.

        The service wants the token in the address. So this is Python's own
        client, which logs nothing, and no redirect is followed; what it raises
        holds the address, and ends here.
        """
        problem: ProviderError
        seconds = seconds_left(context)
        ends = monotonic() + seconds
        try:
            with _client().open(f"{self.endpoint}?{urlencode({'token': token.key})}", timeout=seconds) as answer:
                return Secret(_body(answer, ends).decode(errors="replace"))
        except HTTPError as error:
            error.close()
            problem = _refusal(error.code, self.endpoint)
        except (OSError, HTTPException) as error:
            kind = type(getattr(error, "reason", error)).__name__
            problem = ProviderUnavailable(f"gives no answer ({kind})", place=self.endpoint, remedy="Try again later.")
        raise problem


class _Stay(http.HTTPRedirectHandler):
    """Follows no redirect, which becomes an HTTPError."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        """Give no request to go on with."""


def _client() -> http.OpenerDirector:
    """Make a client that prints nothing, whatever http.client is told, and shows a proxy encrypted addresses only."""
    proxies = {scheme: proxy for scheme, proxy in http.getproxies().items() if scheme == "https"}
    handlers = http.ProxyHandler(proxies), http.HTTPHandler(debuglevel=0), http.HTTPSHandler(debuglevel=0)
    return http.build_opener(_Stay, *handlers)


def _body(answer: HTTPResponse, ends: float) -> bytes:
    """Read what a key's answer may be long; more is cut off."""
    body = b""
    for piece in in_time(answer, partial(answer.read1, _LARGEST), ends):
        body += piece
        if len(body) > _LARGEST:
            break
    return body


def _refusal(status: int, place: str) -> ProviderError:
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return ProviderDenied(f"Lamini has no key for this Google account ({status})", place=place, remedy=_SIGN_IN)
    if (
        status in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)
        or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    ):
        return ProviderUnavailable(f"gives no answer ({status})", place=place, remedy="Try again later.")
    return ProviderInvalid(f"answers with status {status}", place=place, remedy=_CHECK)


def _logged_in(context: Context) -> Secret:
    """Give the account's access token, as a Secret as well; what Google's libraries raise ends here."""
    try:
        with quiet_logs("google", "requests", "urllib3"):
            return _token(context)
    except Exception as error:  # noqa: BLE001  # whatever it is, nobody else sees it
        reason = f"no token is to be had ({type(error).__name__})"
        remedy = _SLOW if isinstance(error, TimeoutExpired) else log_in(_LOG_IN)
    raise ProviderUnavailable(reason, place="the Google login", remedy=remedy)


def _token(context: Context) -> Secret:
    """Take the default login's token, or gcloud's where there is no default login; a broken one is an error."""
    if "google.colab" in sys.modules:
        from google.colab import auth

        auth.authenticate_user()
    request = LoginRequest(context)
    try:
        credentials, _ = default_login(_SCOPES, request)
    except GoogleAuthError:
        if os.environ.get("GOOGLE_APPLICATION_CREDENTIALS"):
            raise
        token = Secret(ask_gcloud(context, "auth", "print-access-token"))
        if not token.key:
            raise
        return token
    if isinstance(credentials, Credentials):  # a person's: google-auth gives it all that the person has granted
        credentials = Credentials.from_authorized_user_info(json.loads(credentials.to_json()), _SCOPES)
    credentials.refresh(request)
    return Secret(credentials.token)


@hookimpl
def lamini_creds_register_provider() -> type[GoogleProvider]:
    """Offer the provider `google`."""
    return GoogleProvider
