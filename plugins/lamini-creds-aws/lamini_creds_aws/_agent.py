"""The Secrets Manager Agent and the Lambda extension, which listen on this machine and answer as AWS does."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from contextlib import closing, suppress
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from botocore.exceptions import ClientError

from lamini_creds import ProviderUnavailable

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lamini_creds import Context

_CODE = re.compile(r'"__type" *: *"(?:[\w.]+#)?(\w+)"')
_SET = "Set AWS_TOKEN to the agent's token or to the file:// URL of its file; Lambda itself sets AWS_SESSION_TOKEN."
_TOKENS = ("AWS_TOKEN", "AWS_SESSION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN")


class Agent:
    """Asks as boto3's clients do, with the agent's token, within the time; follows neither a proxy nor a redirect."""

    def __init__(self, url: str, context: Context, seconds: float) -> None:
        self._host, self._context, self._seconds = urlsplit(url).netloc, context, seconds

    def get_secret_value(self, **wanted: str) -> dict[str, Any]:
        """Ask for a secret."""
        query = {name[0].lower() + name[1:]: text for name, text in wanted.items()}
        answer = self._get("/secretsmanager/get", query | ({"refreshNow": "true"} if self._context.refresh else {}))
        return answer | ({"SecretBinary": b64decode(answer["SecretBinary"])} if answer.get("SecretBinary") else {})

    def get_parameter(self, **wanted: Any) -> dict[str, Any]:
        """Ask for a parameter, which the Lambda extension alone knows."""
        name, *selector = re.split(":(?=[^:/]+$)", wanted["Name"])
        version = {"version" if text.isdecimal() else "label": text for text in selector}
        return self._get("/systemsmanager/parameters/get", {"name": name, "withDecryption": "true", **version})

    def _get(self, path: str, query: Mapping[str, str]) -> dict[str, Any]:
        with closing(HTTPConnection(self._host, timeout=self._seconds)) as connection:
            headers = {"X-Aws-Parameters-Secrets-Token": self._token()}
            connection.request("GET", f"{path}?{urlencode(query)}", headers=headers)
            answer = connection.getresponse()
            status, body = answer.status, answer.read().decode(errors="replace")
        if status != HTTPStatus.OK:
            code = _CODE.search(body.replace("not ready", '"__type":"NotReady"'))
            told = {"Code": code[1] if code else "", "Message": body}
            refused: Any = {"Error": told, "ResponseMetadata": {"HTTPStatusCode": status}}
            raise ClientError(refused, path)
        answered: dict[str, Any] = json.loads(body)
        return answered

    def _token(self) -> str:
        """Find the token as the agent does: in the first of its variables, or in the file that one names."""
        name, told = next(((name, told) for name in _TOKENS if (told := self._context.environ.get(name))), ("", ""))
        file = told if told.startswith("file://") else ""
        with suppress(OSError, ValueError):
            token = Path(file.removeprefix("file://")).read_text().strip() if file else told
            if token.isprintable() and token:
                return token
        raise ProviderUnavailable(f"there is no token for the agent in {file or name or _TOKENS[0]}", remedy=_SET)
