"""What each failure means; of AWS's words only names and numbers of a fixed shape are taken."""

from __future__ import annotations

import re
from http import HTTPStatus
from http.client import HTTPException
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError, HTTPClientError, IncompleteReadError
from botocore.exceptions import ConnectionError as BotoConnectionError

from lamini_creds import ProviderDenied, ProviderError, ProviderInvalid, ProviderUnavailable
from lamini_creds_aws._options import owner_of

if TYPE_CHECKING:
    from lamini_creds_aws._options import Request

_NO_ANSWER = (HTTPClientError, BotoConnectionError, IncompleteReadError, HTTPException, OSError)
_NO_LOGIN = re.compile("Credential|Metadata|Profile|InvalidConfig|InfiniteLoop|Token|SSO|Login|MFA")
_MISSING = re.compile("(ResourceNotFound|InvalidRequest)Exception|Parameter(Version)?NotFound")
_EXPIRED = re.compile("Expired|TokenRefreshRequired")
_BUSY = re.compile("Throttl|TooManyRequests|RequestLimitExceeded|SlowDown|Internal(Service|Server)|Unavailable|Timeout")
_REFUSED = re.compile(
    "Denied|Decrypt|KMS|InvalidKeyId|Unauthorized|Signature|ClientToken|UnrecognizedClient|Authentication|Identity|IDP"
)
_CODE = re.compile(r"[A-Za-z][A-Za-z.]{0,63}")
_ACTION = re.compile(r"perform: ([a-z0-9-]{2,32}:[A-Za-z]{2,64})")
_RETRIED = "It is tried again; see that network, endpoint, proxy and certificates are right."
_ALLOW = "Allow it for this login, or check the name: what is not there may be refused in the same words."
_LOG_IN = "Log in (aws sso login), or give this process a role, an AWS profile or access keys."


def failure(error: Exception, request: Request, region: str | None, owner: str | None) -> ProviderError:
    """
    Translate what a call raised into one of the three outcomes of a failure.

    Args:
        error: What was raised.
        request: What was asked for.
        region: Where, as far as it is known.
        owner: Whose account, as far as it is known.
    """
    place, name = request.place(region, owner), type(error).__name__
    if isinstance(error, ClientError):
        return _refusal(error, request, region, owner)
    if isinstance(error, _NO_ANSWER):
        return ProviderUnavailable(f"no answer ({name})", place=place, remedy=_RETRIED)
    if _NO_LOGIN.search(name):
        return ProviderUnavailable(f"there is no login to AWS ({name})", place=place, remedy=_LOG_IN)
    if name == "NoRegionError":
        return ProviderInvalid("no region is set", place=place, remedy="Set the option `region`, or AWS_REGION.")
    return ProviderInvalid(f"the SDK raised {name}", place=place, remedy="Check the options of this provider.")


def _refusal(error: ClientError, request: Request, region: str | None, owner: str | None) -> ProviderError:
    problem = error.response.get("Error", {})
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    code, message = str(problem.get("Code", "")), str(problem.get("Message", ""))
    answers = f"AWS answers {code if _CODE.fullmatch(code) else status}"
    place = request.place(region, owner or owner_of(message))
    if _EXPIRED.search(code):
        return ProviderUnavailable(f"the login has expired ({answers})", place=place, remedy=_LOG_IN)
    if _BUSY.search(code) or status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.TOO_MANY_REQUESTS:
        return ProviderUnavailable(answers, place=place, remedy=_RETRIED)
    if _MISSING.match(code):
        why = "is scheduled for deletion" if "marked" in message else "is not there, or not in this version"
        return ProviderInvalid(f"{why} ({answers})", place=place, remedy="Check name, version, region and account.")
    if _REFUSED.search(code) or status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        missing = _permission(code, message)
        reason = f"{answers}: {missing} is not allowed" if missing else answers
        return ProviderDenied(reason, place=place, remedy=_ALLOW)
    return ProviderInvalid(answers, place=place, remedy="Check the options of this provider.")


def _permission(code: str, message: str) -> str:
    """Name the permission that is missing, where AWS tells it."""
    action = _ACTION.search(message)
    if action:
        return action[1]
    return "kms:Decrypt" if "KMS" in f"{code} {message}" or "Decrypt" in code or code == "InvalidKeyId" else ""
