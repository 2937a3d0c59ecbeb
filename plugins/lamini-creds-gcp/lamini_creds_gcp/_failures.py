"""What the SDK raises, as outcomes: gRPC, REST and the login raise different things for the same."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

from google.api_core import exceptions
from google.auth.exceptions import GoogleAuthError, RefreshError
from requests import ConnectionError as NoConnection
from requests import RequestException

from lamini_creds import ProviderDenied, ProviderError, ProviderInvalid, ProviderUnavailable, quiet_logs

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")

PASSING = (exceptions.ServiceUnavailable, exceptions.TooManyRequests, NoConnection)

_LOGGERS = ("google", "grpc", "requests", "urllib3")
_LOGIN = "Run `gcloud auth application-default login`, or give the machine a service account."
_GRANT = "Grant roles/secretmanager.secretAccessor. What does not exist is denied too: check project and secret."
_TOLD = re.compile(r"Permission '([a-z]+(?:\.[a-zA-Z]+){1,4})' denied|is in (DISABLED|DESTROYED) state")
_REASON = re.compile(r"[A-Z][A-Z0-9_]{1,62}")
_REFUSED = (exceptions.Unauthorized, RefreshError)
_SILENT = (*PASSING, exceptions.ServerError, exceptions.Cancelled, RequestException, GoogleAuthError)
_OUTCOMES: tuple[tuple[tuple[type[Exception], ...], type[ProviderError], str, str], ...] = (
    (_REFUSED, ProviderDenied, "Google does not accept the login", _LOGIN),
    ((exceptions.Forbidden,), ProviderDenied, "Google denies access", _GRANT),
    ((exceptions.NotFound,), ProviderInvalid, "there is no such secret or version", "Check project, secret, version."),
    ((exceptions.BadRequest,), ProviderInvalid, "the version can't be read", "Name another version, or enable it."),
    (_SILENT, ProviderUnavailable, "Secret Manager gives no answer", "Try again later."),
    ((Exception,), ProviderInvalid, "the answer is not Secret Manager's", "Check the option `endpoint`."),
)


def guarded(work: Callable[[], T], judge: Callable[[Exception, str], ProviderError], place: str) -> T | ProviderError:
    """Give what comes of it; an SDK's exception is judged and dropped, since its text may hold the secret."""
    try:
        with quiet_logs(*_LOGGERS):
            return work()
    except Exception as error:  # noqa: BLE001  # whatever it is, nobody else sees it
        return judge(error, place)


def no_login(error: Exception, place: str) -> ProviderError:
    """Judge what finding or refreshing a login raises."""
    return ProviderUnavailable(f"there is no Google login ({type(error).__name__})", place=place, remedy=_LOGIN)


def judged(error: Exception, place: str) -> ProviderError:
    """Judge what a call raises; of its text, only words that are known are kept."""
    if isinstance(error, exceptions.RetryError):
        error = error.cause
    told = _TOLD.search(str(error))
    if told and told[1]:
        return ProviderDenied(f"Google denies the permission {told[1]}", place=place, remedy=_GRANT)
    outcome, reason, remedy = next(row[1:] for row in _OUTCOMES if isinstance(error, row[0]))
    return outcome(f"{reason} ({told[2] if told else _kind(error)})", place=place, remedy=remedy)


def _kind(error: Exception) -> str:
    """Name an error as Google's details do ("SERVICE_DISABLED"), else by its class."""
    reason = getattr(error, "reason", None)
    return reason if isinstance(reason, str) and _REASON.fullmatch(reason) else type(error).__name__
