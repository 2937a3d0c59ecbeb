"""The provider under the suite that every provider runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from faults import Answer, Dribble, FaultProxy, Hang

from lamini_creds.testing import ProviderConformance, Store

if TYPE_CHECKING:
    from openbao import Bao


class VaultStore(Store):
    """A secret of the real server, behind a way on which things go wrong."""

    provider = "vault"

    def __init__(self, bao: Bao, way: FaultProxy, path: str) -> None:
        self._bao, self._way, self._path = bao, way, path
        self._token = bao.token(f"secret/data/{path}")

    def options(self) -> dict[str, object]:
        return {"secret": self._path}

    def environ(self) -> dict[str, str]:
        return {"VAULT_ADDR": f"http://127.0.0.1:{self._way.port}", "VAULT_TOKEN": self._token}

    def logins(self) -> tuple[str, ...]:
        return (self._token,)

    def put(self, key: str, url: str | None = None) -> None:
        self._bao.put(self._path, {"key": key, "url": url} if url else {"key": key})

    def remove(self) -> None:
        self._bao.admin.secrets.kv.v2.delete_metadata_and_all_versions(self._path)

    def deny(self) -> None:
        self._token = self._bao.token("secret/data/other")

    def fail(self) -> None:
        self._way.faults = [Answer(503, b'{"errors": ["Vault is sealed"]}')]

    def hang(self) -> None:
        self._way.faults = [Hang()]

    def dribble(self) -> None:
        self._way.faults = [Dribble(after=300, every=0.2)]

    def corrupt(self, text: str) -> None:
        self._way.faults = [Answer(200, f'{{"data": {{"data": {text}'.encode(), {"Content-Type": "application/json"})]


class TestVault(ProviderConformance):
    """The whole suite."""

    @pytest.fixture
    def store(self, bao: Bao, way: FaultProxy, path: str) -> Store:
        return VaultStore(bao, way, path)
