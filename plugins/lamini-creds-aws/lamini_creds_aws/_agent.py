"""Read through the Secrets Manager Agent or the Lambda extension, which listen on this machine."""

from __future__ import annotations

import json
from contextlib import suppress
from http import HTTPStatus
from http.client import HTTPConnection
from socket import SHUT_RDWR, socket
from threading import Timer
from time import monotonic
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from botocore.exceptions import ClientError, CredentialRetrievalError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lamini_creds import Context
    from lamini_creds_aws._options import Request

_TOKENS = ("AWS_TOKEN", "AWS_SESSION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN")


def ask_agent(agent: str, context: Context, request: Request, seconds: float) -> dict[str, Any]:
    """
    Ask with the agent's token; neither a proxy nor a redirect is followed.

    Args:
        agent: The agent's URL.
        context: Holds the variables that name the token, and says whether the agent's own cache will do.
        request: What to ask for.
        seconds: How long all of it may take.

    Raises:
        ClientError: The agent answers with an error, as the SDK would raise it.
    """
    query = urlencode(request.query | ({"refreshNow": "true"} if context.refresh else {}))
    headers = {"X-Aws-Parameters-Secrets-Token": _token(context.environ)}
    status, body = _get(agent, f"{request.path}?{query}", headers, seconds)
    parsed = _object(body)
    if status == HTTPStatus.OK:
        return parsed
    code = str(parsed.get("__type") or parsed.get("code") or status).rpartition("#")[2]
    refused: Any = {"Error": {"Code": code, "Message": ""}, "ResponseMetadata": {"HTTPStatusCode": status}}
    raise ClientError(refused, request.operation)


def _get(agent: str, target: str, headers: dict[str, str], seconds: float) -> tuple[int, bytes]:
    """Read an answer within the time; a server that dribbles sets off no socket's time-out, so a timer hangs up."""
    ends = monotonic() + seconds
    parts = urlsplit(agent)
    connection = HTTPConnection(parts.hostname or "", parts.port or 80, timeout=max(0.01, seconds))
    connection.connect()
    timer = Timer(seconds, _hang_up, (connection.sock,))
    timer.daemon = True
    timer.start()
    try:
        connection.request("GET", target, headers=headers)
        answer = connection.getresponse()
        body = answer.read()
    finally:
        timer.cancel()
        connection.close()
    if monotonic() > ends:
        raise TimeoutError
    return answer.status, body


def _hang_up(connected: socket) -> None:
    with suppress(OSError):
        connected.shutdown(SHUT_RDWR)


def _token(environ: Mapping[str, str]) -> str:
    """Find the token as the agent does: the first of its variables, or the file that it names."""
    named = next((environ[name] for name in _TOKENS if environ.get(name)), "")
    if not named.startswith("file://"):
        return named
    with suppress(OSError, ValueError), open(named.removeprefix("file://"), encoding="ascii") as file:
        return file.read().strip()
    raise CredentialRetrievalError(provider="agent", error_msg="its token's file can't be read")


def _object(body: bytes) -> dict[str, Any]:
    """Read JSON as boto3 does: what is no object has no fields."""
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}
