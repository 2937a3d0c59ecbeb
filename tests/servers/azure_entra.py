"""
Doubles of where Azure's tokens come from: Microsoft Entra, and a machine's metadata service.

    with Entra(tls) as entra, Metadata(entra) as metadata:
        entra.secrets["app"] = "test-client-secret"
        ...

Entra knows client secrets and federated assertions; it checks no assertion's
signature. The metadata service speaks as a virtual machine's and as App Service's.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import jwt
from azure_http import JsonServer, Reply, Request
from cryptography.hazmat.primitives.asymmetric import rsa

if TYPE_CHECKING:
    import ssl

TENANT = "11111111-2222-3333-4444-555555555555"
LIFE = 3600

_SIGNING_KEY = rsa.generate_private_key(65537, 2048)


class Entra(JsonServer):
    """
    Gives tokens to applications.

    Attributes:
        secrets: Each application's client secret, by its id; None where it may only come with an assertion.
        authority: The address that its documents and the vaults' challenges name.
    """

    def __init__(self, tls: ssl.SSLContext) -> None:
        super().__init__(tls)
        self.secrets: dict[str, str | None] = {}
        self.authority = self.url

    @property
    def tokens(self) -> int:
        """How often a token was asked for."""
        return sum(request.method == "POST" for request in self.requests)

    def answer(self, request: Request) -> Reply:
        tenant = request.path.split("/")[1]
        if request.path.endswith("/.well-known/openid-configuration"):
            return Reply(200, self._discovery(tenant))
        if request.method != "POST" or not request.path.endswith("/oauth2/v2.0/token"):
            return Reply(404, {})
        refusal = self._refusal(request)
        if refusal:
            return refusal
        token = self.mint(request.fields["client_id"], request.fields["scope"].split()[0], tenant)
        return Reply(200, {"token_type": "Bearer", "expires_in": LIFE, "ext_expires_in": LIFE, "access_token": token})

    def mint(self, application: str, scope: str, tenant: str = TENANT) -> str:
        """Sign a token."""
        now = int(time.time())
        claims = {
            "aud": scope.removesuffix("/.default"),
            "iss": f"https://sts.windows.net/{tenant}/",
            "appid": application,
            "iat": now,
            "exp": now + LIFE,
            "tid": tenant,
        }
        return jwt.encode(claims, _SIGNING_KEY, algorithm="RS256", headers={"kid": "test"})

    def claims(self, token: str, audience: str) -> dict[str, Any]:
        """Check a token and give what it says, or raise a jwt.PyJWTError."""
        return jwt.decode(token, _SIGNING_KEY.public_key(), algorithms=["RS256"], audience=audience)

    def _refusal(self, request: Request) -> Reply | None:
        application = request.fields.get("client_id", "")
        if application not in self.secrets:
            return _refused(400, "unauthorized_client", 700016, "Application was not found in the directory.")
        if "client_assertion" in request.fields or request.fields.get("client_secret") == self.secrets[application]:
            return None
        return _refused(401, "invalid_client", 7000215, "Invalid client secret provided.")

    def _discovery(self, tenant: str) -> dict[str, str]:
        base = f"{self.authority}/{tenant}"
        return {
            "issuer": f"{base}/v2.0",
            "token_endpoint": f"{base}/oauth2/v2.0/token",
            "authorization_endpoint": f"{base}/oauth2/v2.0/authorize",
            "device_authorization_endpoint": f"{base}/oauth2/v2.0/devicecode",
            "jwks_uri": f"{base}/discovery/v2.0/keys",
        }


class Metadata(JsonServer):
    """
    Gives tokens to the machine's own identity.

    Attributes:
        identities: The client ids it has; the empty one is the machine's own.
    """

    header = "test-identity-header"

    def __init__(self, entra: Entra) -> None:
        super().__init__()
        self.identities: dict[str, str] = {"": "machine"}
        self._entra = entra

    def answer(self, request: Request) -> Reply:
        if not self._allowed(request):
            return Reply(400, {"error": "bad_request_102", "error_description": "Required header not specified"})
        application = self.identities.get(request.fields.get("client_id", ""))
        if application is None:
            return Reply(400, {"error": "invalid_request", "error_description": "Identity not found"})
        resource = request.fields["resource"]
        return Reply(
            200,
            {
                "access_token": self._entra.mint(application, resource),
                "expires_in": str(LIFE),
                "expires_on": str(int(time.time()) + LIFE),
                "resource": resource,
                "token_type": "Bearer",
            },
        )

    def _allowed(self, request: Request) -> bool:
        if request.path == "/metadata/identity/oauth2/token":
            return request.headers.get("metadata") == "true"
        return request.path == "/msi/token" and request.headers.get("x-identity-header") == self.header


def _refused(status: int, error: str, code: int, text: str) -> Reply:
    return Reply(status, {"error": error, "error_description": f"AADSTS{code}: {text}", "error_codes": [code]})
