"""The provider under the suite that every provider runs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from azure_entra import TENANT
from azure_vault import Vault
from faults import Dribble, FaultProxy, Hang, Refuse

from lamini_creds.testing import ProviderConformance, Store

if TYPE_CHECKING:
    from azure_entra import Entra


class VaultStore(Store):
    """The double of a vault, behind a way that can be closed."""

    provider = "azure"

    def __init__(self, vault: Vault, entra: Entra, way: FaultProxy, ca_file: str) -> None:
        self._vault, self._entra, self._way, self._ca_file = vault, entra, way, ca_file

    def options(self) -> dict[str, object]:
        return {
            "secret": "conformance",
            "vault_url": f"https://localhost:{self._way.port}",
            "ca_file": self._ca_file,
            "verify_challenge_resource": False,
        }

    def environ(self) -> dict[str, str]:
        return {
            "AZURE_AUTHORITY_HOST": self._entra.url,
            "AZURE_TENANT_ID": TENANT,
            "AZURE_CLIENT_ID": "app",
            "AZURE_CLIENT_SECRET": "test-client-secret",
        }

    def logins(self) -> tuple[str, ...]:
        return ("test-client-secret",)

    def put(self, key: str, url: str | None = None) -> None:
        self._vault.put("conformance", json.dumps({"key": key, "url": url}) if url else key)

    def remove(self) -> None:
        self._vault.delete("conformance")

    def deny(self) -> None:
        self._vault.denials["app"] = "ForbiddenByRbac"

    def fail(self) -> None:
        self._way.faults = [Refuse()]

    def hang(self) -> None:
        self._way.faults = [Hang()]

    def dribble(self) -> None:
        self.put("a" * 2000)
        self._way.faults = [Dribble(after=1000, every=0.2)]

    def corrupt(self, text: str) -> None:
        self._vault.put("conformance", text)


class TestAzure(ProviderConformance):
    """The whole suite, over TLS, with the SDK's own login."""

    @pytest.fixture
    def store(self, vault: Vault, entra: Entra, way: FaultProxy, ca_file: str) -> Store:
        return VaultStore(vault, entra, way, ca_file)
