"""The provider `gcp` in the conformance suite: the real client, over REST and gRPC, before the double of the store."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from faults import Dribble, FaultProxy, Hang
from gcp_kit import SECRET
from gcp_store import Refusal

from lamini_creds.testing import ProviderConformance, Store

if TYPE_CHECKING:
    from pathlib import Path

    import gcp_store
    from gcp_login import LoginServer


class SecretManager(Store):
    """The double, with the way that leads to it."""

    provider = "gcp"

    def __init__(self, store: gcp_store.Store, way: FaultProxy, options: dict[str, Any], login_file: Path) -> None:
        self._store = store
        self._way = way
        self._options = options
        self._login_file = login_file

    def options(self) -> dict[str, object]:
        return self._options

    def environ(self) -> dict[str, str]:
        return {"GOOGLE_APPLICATION_CREDENTIALS": str(self._login_file)}

    def put(self, key: str, url: str | None = None) -> None:
        self._store.put(SECRET, (json.dumps({"key": key, "url": url}) if url else key).encode())

    def remove(self) -> None:
        self._store.remove(SECRET)

    def deny(self) -> None:
        self._store.refusals.append(Refusal("PERMISSION_DENIED", "Permission denied."))

    def fail(self) -> None:
        self._store.refusals.append(Refusal("INTERNAL", "Internal error."))

    def hang(self) -> None:
        self._way.faults = [Hang()]

    def dribble(self) -> None:
        self._way.faults = [Dribble(every=0.2)]

    def corrupt(self, text: str) -> None:
        self._store.put(SECRET, text.encode())


class TestGcp(ProviderConformance):
    """Every check, for each transport."""

    @pytest.fixture
    def store(
        self, store: gcp_store.Store, way: FaultProxy, options: dict[str, Any], login: LoginServer, tmp_path: Path
    ) -> SecretManager:
        login_file = tmp_path / "login.json"
        login_file.write_text(json.dumps(login.service_account()))
        return SecretManager(store, way, options, login_file)
