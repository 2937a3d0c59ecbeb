"""
Where a Google login comes from, on 127.0.0.1: metadata server, token endpoint, STS, impersonation.

    with LoginServer() as login:
        monkeypatch.setenv("GCE_METADATA_HOST", f"127.0.0.1:{login.port}")
        store.authorize = login.authorize

`authorize` takes the tokens that it gave out, and JWTs that its service account signed itself.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth import jwt

sys.path.insert(0, str(Path(__file__).parent))

from gcp_http import Handler, HttpServer
from gcp_store import Refusal

ADDRESS = "reader@test-project.iam.gserviceaccount.com"
_JWT_GRANT = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"


class LoginServer(HttpServer):
    """
    Gives tokens to machines, workloads, service accounts and people.

    Attributes:
        asked: The paths that were asked for, in order.
        scopes: What each token is for, as far as its request says.
        metadata_statuses: What the next requests for the metadata server's token get instead of one.
        revoked: The token endpoint and impersonation refuse everybody.
        lifetime: The seconds that a token lives.
        padding: Makes the metadata server's tokens longer.
    """

    def __init__(self) -> None:
        self.reset()
        super().__init__(_Handler)

    def reset(self) -> None:
        """Be as new."""
        self.asked: list[str] = []
        self.scopes: list[str] = []
        self.metadata_statuses: list[int] = []
        self.revoked = False
        self.lifetime = 3600
        self.padding = ""
        self._given: set[str] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @cached_property
    def _key(self) -> rsa.RSAPrivateKey:
        return rsa.generate_private_key(65537, 2048)

    def service_account(self) -> dict[str, str]:
        """Give the JSON file of a service account whose tokens come from here."""
        pem = self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return {
            "type": "service_account",
            "project_id": "test-project",
            "private_key_id": "test",
            "private_key": pem.decode(),
            "client_email": ADDRESS,
            "token_uri": f"{self.url}/token",
        }

    def workload(self, token_file: Path) -> dict[str, Any]:
        """Give the JSON file of a workload identity that shows what a file holds."""
        return {
            "type": "external_account",
            "audience": "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/pool/providers/test",
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "token_url": f"{self.url}/sts",
            "credential_source": {"file": str(token_file)},
        }

    def authorize(self, token: str | None) -> None:
        """
        Take the tokens of this server.

        Raises:
            Refusal: The token is none of them.
        """
        if token not in self._given and not self._signed(token or ""):
            raise Refusal("UNAUTHENTICATED", "Request had invalid authentication credentials.")

    def give(self, who: str) -> str:
        """Make a token for somebody."""
        token = f"test-token-{who}-{len(self._given)}"
        self._given.add(token)
        return token

    def forget(self) -> None:
        """Take no token any more that was given so far."""
        self._given.clear()

    def _signed(self, token: str) -> bool:
        public = self._key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        try:
            return bool(jwt.decode(token, certs=public)["iss"] == ADDRESS)
        except ValueError:
            return False


def _claimed(assertion: str | None) -> str:
    """Give the scopes that a service account's own words name."""
    return str(jwt.decode(assertion, verify=False).get("scope", "")) if assertion else ""


class _Handler(Handler):
    double: LoginServer

    def answer(self, body: bytes) -> None:
        if self.command == "POST":
            return self._post(body)
        path, _, query = self.path.partition("?")
        self.double.asked.append(path)
        self.double.scopes += [scopes.replace(",", " ") for scopes in parse_qs(query).get("scopes", [])]
        if self.headers.get("Metadata-Flavor") != "Google":
            return self._send(403, {})
        if path.endswith("/token") and self.double.metadata_statuses:
            return self._send(self.double.metadata_statuses.pop(0), {})
        return self._send(*self._metadata(path))

    def _post(self, body: bytes) -> None:
        self.double.asked.append(self.path)
        if self.path.endswith(":generateAccessToken"):
            return self._send(*self._impersonated())
        if self.double.revoked:
            return self._send(400, {"error": "invalid_grant", "error_description": "Token has been revoked."})
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        self.double.scopes.append(form.get("scope") or _claimed(form.get("assertion")))
        who = {_JWT_GRANT: "account", "refresh_token": "user", _EXCHANGE: form.get("subject_token", "")}
        token = {"access_token": self.double.give(who[form["grant_type"]]), "expires_in": self.double.lifetime}
        return self._send(200, {**token, "token_type": "Bearer", "issued_token_type": "access_token"})

    def _metadata(self, path: str) -> tuple[int, Any]:
        if path.endswith("/token"):
            token = {"access_token": self.double.give("machine"), "padding": self.double.padding}
            return 200, {**token, "expires_in": self.double.lifetime, "token_type": "Bearer"}
        if "/service-accounts/" in path:
            return 200, {"aliases": ["default"], "email": ADDRESS, "scopes": []}
        texts = {"/": "computeMetadata/", "/computeMetadata/v1/project/project-id": "machine-project"}
        return (200, texts[path]) if path in texts else (404, {})

    def _impersonated(self) -> tuple[int, Any]:
        if self.double.revoked:
            words = "Permission 'iam.serviceAccounts.getAccessToken' denied on resource (or it may not exist)."
            return 403, {"error": {"code": 403, "status": "PERMISSION_DENIED", "message": words}}
        try:
            self.double.authorize((self.headers.get("authorization") or "")[7:])
        except Refusal:
            return 401, {"error": {"code": 401, "status": "UNAUTHENTICATED", "message": "No."}}
        ends = datetime.now(UTC) + timedelta(seconds=self.double.lifetime)
        token = self.double.give(self.path.rpartition("/")[2].partition(":")[0])
        return 200, {"accessToken": token, "expireTime": f"{ends:%Y-%m-%dT%H:%M:%SZ}"}

    def _send(self, status: int, document: Any) -> None:
        text = isinstance(document, str)
        body = document.encode() if text else json.dumps(document).encode()
        self.send(status, body, Metadata_Flavor="Google", Content_Type=f"application/{'text' if text else 'json'}")
