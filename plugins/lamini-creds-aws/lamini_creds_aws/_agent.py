"""The Secrets Manager Agent and the Lambda extension, which listen on this machine and answer as AWS does."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from botocore.exceptions import ClientError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from lamini_creds import Context

_CODE = re.compile(r'"__type" *: *"(?:[\w.]+#)?(\w+)"')
_TOKENS = ("AWS_TOKEN", "AWS_SESSION_TOKEN", "AWS_CONTAINER_AUTHORIZATION_TOKEN")


class Agent:
    """
    Asks as boto3's clients do, with the agent's token; neither a proxy nor a redirect is followed.

    Args:
        url: Where the agent listens.
        context: Holds the variables that name the token, and says whether the agent's own cache will do.
        seconds: How long to wait for it.
    """

    def __init__(self, url: str, context: Context, seconds: float) -> None:
        self._host, self._context, self._seconds = urlsplit(url).netloc, context, seconds

    def get_secret_value(self, **wanted: str) -> dict[str, Any]:
        """Ask for a secret."""
        query = {name[0].lower() + name[1:]: text for name, text in wanted.items()}
        answer = self._get("/secretsmanager/get", query | ({"refreshNow": "true"} if self._context.refresh else {}))
        return answer | ({"SecretBinary": b64decode(answer["SecretBinary"])} if "SecretBinary" in answer else {})

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
        named = next((token for name in _TOKENS if (token := self._context.environ.get(name))), "")
        return Path(named.removeprefix("file://")).read_text().strip() if named.startswith("file://") else named
