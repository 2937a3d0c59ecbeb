"""The provider `google` in the conformance suite, before the double of Lamini's login."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from faults import Cut, Dribble, FaultProxy, Hang
from gcp_lamini import PATH, LaminiLogin
from gcp_store import Refusal

from lamini_creds.testing import ProviderConformance, Store

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from gcp_login import LoginServer


class Accounts(Store):
    """The double, with the way that leads to it, and a service account that logs in."""

    provider = "google"

    def __init__(self, lamini: LaminiLogin, way: FaultProxy, login_file: Path) -> None:
        self._lamini = lamini
        self._way = way
        self._login_file = login_file

    def options(self) -> dict[str, object]:
        return {"endpoint": f"http://127.0.0.1:{self._way.port}{PATH}"}

    def environ(self) -> dict[str, str]:
        return {"GOOGLE_APPLICATION_CREDENTIALS": str(self._login_file)}

    def put(self, key: str, url: str | None = None) -> None:
        self._lamini.put(token=key, url=url)

    def remove(self) -> None:
        self._lamini.put(token=None)

    def deny(self) -> None:
        def nobody(_: str | None) -> None:
            raise Refusal("UNAUTHENTICATED", "Unauthorized.")

        self._lamini.authorize = nobody

    def fail(self) -> None:
        self._way.faults = [Cut(0)]

    def hang(self) -> None:
        self._way.faults = [Hang()]

    def dribble(self) -> None:
        self.put("a" * 2000)
        self._way.faults = [Dribble(after=1000, every=0.2)]

    def corrupt(self, text: str) -> None:
        self._lamini.body = text.encode()


class TestGoogle(ProviderConformance):
    """Every check."""

    @pytest.fixture
    def store(self, lamini: LaminiLogin, login: LoginServer, tmp_path: Path) -> Iterator[Accounts]:
        login_file = tmp_path / "login.json"
        login_file.write_text(json.dumps(login.service_account()))
        with FaultProxy(lamini.port) as way:
            yield Accounts(lamini, way, login_file)
