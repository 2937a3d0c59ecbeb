"""What the errors of Google's libraries mean."""

from __future__ import annotations

import re
from subprocess import TimeoutExpired

from google.api_core import exceptions
from google.auth.exceptions import GoogleAuthError
from requests import ConnectionError as NoConnection
from requests import RequestException
from requests.exceptions import SSLError

from lamini_creds import ProviderDenied, ProviderError, ProviderInvalid, ProviderUnavailable
from lamini_creds_gcp._login import log_in

_TOLD = re.compile(
    r"Permission \\?'([a-z]+(?:\.[a-zA-Z]+){1,4})\\?' denied"
    r"|is in (DISABLED|DESTROYED) state"
    r"|reason'?: [\"']([A-Z][A-Z_]{2,62})[\"']"
)

_PASSING = (exceptions.ServiceUnavailable, exceptions.TooManyRequests, exceptions.DataLoss, NoConnection)
_SILENT = (*_PASSING, exceptions.ServerError, exceptions.Cancelled, exceptions.Conflict, RequestException)
_LOGIN = "Run `gcloud auth application-default login`, or give the machine a service account."
_GRANT = "Grant roles/secretmanager.secretAccessor. What does not exist is denied too: check project and secret."
_REMEDIES = {
    "secretmanager.versions.access": _GRANT,
    "iam.serviceAccounts.getAccessToken": "Grant the login roles/iam.serviceAccountTokenCreator on `impersonate`.",
    "SERVICE_DISABLED": "Enable secretmanager.googleapis.com, and iamcredentials.googleapis.com for `impersonate`.",
}
# gRPC and REST raise different classes for the same thing, and these are their common bases; the first that fits counts
_OUTCOMES: tuple[tuple[type[Exception] | tuple[type[Exception], ...], type[ProviderError], str, str], ...] = (
    (GoogleAuthError, ProviderUnavailable, "no Google login works", "{login}"),
    (TimeoutExpired, ProviderUnavailable, "gcloud is slow to name its project", "Set the option `project`."),
    (exceptions.Unauthorized, ProviderDenied, "Google does not accept the login", "{login}"),
    (exceptions.Forbidden, ProviderDenied, "Google denies access", _GRANT),
    (exceptions.NotFound, ProviderInvalid, "there is no such secret or version", "Check project, secret, version."),
    (exceptions.BadRequest, ProviderInvalid, "the version can't be read", "Name another version, or enable it."),
    (SSLError, ProviderUnavailable, "{host} has no trusted certificate", "Name its CA, in PEM, in `ca_file`."),
    (_SILENT, ProviderUnavailable, "{host} gives no answer", "Try again later; check network, `endpoint`, `ca_file`."),
    (OSError, ProviderInvalid, "a file can't be read", "Check '{file}'; `ca_file` knows no '~'."),
    (UnicodeDecodeError, ProviderInvalid, "these bytes are no text in UTF-8", "Store the key as text, or as JSON."),
    (Exception, ProviderInvalid, "{host} gives no answer of Secret Manager's", "Check the option `endpoint`."),
)


def passes(error: Exception) -> bool:
    """Say whether it is worth while to ask again at once."""
    return isinstance(error, _PASSING) or (isinstance(error, GoogleAuthError) and error.retryable)


def judged(error: Exception, place: str, host: str | None, ca_file: str | None) -> ProviderError:
    """Say what an error means; of its text only the permission, state or reason is kept."""
    error = error.cause if isinstance(error, exceptions.RetryError) else error
    told = _TOLD.search(str(error))
    word = told[told.lastindex or 0] if told else type(error).__name__
    if told and told[1] and not isinstance(error, GoogleAuthError):
        error = exceptions.Forbidden("")  # what Cloud KMS denies comes as a failed precondition
    if getattr(error, "code", None) in (408, 425):
        error = exceptions.ServiceUnavailable("")
    outcome, reason, remedy = next(row[1:] for row in _OUTCOMES if isinstance(error, row[0]))
    remedy = _REMEDIES.get(word) or (f"Grant a role with {word}." if told and told[1] else remedy)
    words = {
        "host": host or "secretmanager.googleapis.com",
        "login": log_in(_LOGIN),
        "file": getattr(error, "filename", None) or ca_file or "REQUESTS_CA_BUNDLE",
    }
    return outcome(f"{reason} ({word})".format_map(words), place=place, remedy=remedy.format_map(words))
