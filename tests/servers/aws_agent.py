"""
A double of the Secrets Manager Agent and of the Lambda extension: the same two paths, the same header.

It asks for its token, keeps what it once read as the agent does until it is
asked with `refreshNow`, refuses a parameter that it does not know, and reads
through boto3 from the AWS behind it. Like the extension it can say that it is
not ready yet, and says null for what is not there.
"""

from __future__ import annotations

import json
import threading
from base64 import b64encode
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlsplit

from botocore.exceptions import ClientError

from lamini_creds import quiet_logs

if TYPE_CHECKING:
    from aws import Aws

TOKEN = "test-agent-token-1"
_NAMES = {"secretId": "SecretId", "versionId": "VersionId", "versionStage": "VersionStage"}
_KNOWN = {
    "/secretsmanager/get": {*_NAMES, "refreshNow"},
    "/systemsmanager/parameters/get": {"name", "version", "label", "withDecryption"},
}


class Agent:
    """
    Listens on 127.0.0.1 and answers out of an AWS.

    Attributes:
        ready: Whether it answers at all yet.
    """

    def __init__(self, aws: Aws) -> None:
        self.ready = True
        self._aws = aws
        self._kept: dict[str, dict[str, Any]] = {}
        agent = self

        class Handler(BaseHTTPRequestHandler):
            wbufsize = -1

            def do_GET(self) -> None:
                status, answer = agent.answer(self.path, self.headers.get("X-Aws-Parameters-Secrets-Token"))
                body = (answer if isinstance(answer, str) else json.dumps(answer, default=_plain)).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def port(self) -> int:
        return self._server.server_port

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join(10)
        self._server.server_close()

    def answer(self, target: str, token: str | None) -> tuple[int, dict[str, Any] | str]:
        """Answer one request: what AWS says in JSON, what it says itself in plain text."""
        parts = urlsplit(target)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if not self.ready:
            return 400, "not ready to serve traffic, please wait"
        if token != TOKEN:
            return 403, "Bad Token"
        if not query.keys() <= _KNOWN.get(parts.path, set()) or not query.get("version", "0").isdecimal():
            return 400, f"unknown parameter: {', '.join(query)}"
        fresh = query.pop("refreshNow", "") == "true"
        asked = f"{parts.path} {sorted(query.items())}"
        if asked not in self._kept or fresh:
            try:
                with quiet_logs("botocore", "urllib3"):  # a real agent is a process of its own
                    self._kept[asked] = self._read(parts.path, query)
            except ClientError as error:
                return 400, {"__type": error.response["Error"]["Code"], "message": "as AWS says"}
        return 200, self._kept[asked]

    def _read(self, path: str, query: dict[str, str]) -> dict[str, Any]:
        if path == "/secretsmanager/get":
            wanted = {_NAMES[name]: value for name, value in query.items()}
            answer: dict[str, Any] = self._aws.client("secretsmanager").get_secret_value(**wanted)
            answer = {"SecretBinary": None, "SecretString": None, "ResultMetadata": {}} | answer
        else:
            selector = query.get("version") or query.get("label")
            name = f"{query['name']}:{selector}" if selector else query["name"]
            decrypt = query.get("withDecryption") == "true"
            answer = self._aws.client("ssm").get_parameter(Name=name, WithDecryption=decrypt)
            answer["Parameter"] = {"Selector": None, "SourceResult": None} | answer["Parameter"]
        return answer


def _plain(value: object) -> str:
    return b64encode(value).decode() if isinstance(value, bytes) else str(value)
