"""The provider `exec` by the suite that every provider has to pass: its store is a helper on the disk."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from lamini_creds import Outcome
from lamini_creds.testing import ProviderConformance, Store

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="helpers need process groups")


class HelperStore(Store):
    """A Python script whose text is what it holds."""

    provider = "exec"

    def __init__(self, directory: Path) -> None:
        self.script = directory / "helper.py"

    def options(self) -> dict[str, object]:
        return {"command": [sys.executable, "-S", "-E", str(self.script)]}

    def put(self, key: str, url: str | None = None) -> None:
        self.corrupt(json.dumps({"version": 1, "key": key, "url": url}))

    def corrupt(self, text: str) -> None:
        self._does(f"print({text!r})")

    def remove(self) -> None:
        self._does("raise SystemExit(3)")

    def deny(self) -> None:
        self._does("raise SystemExit(4)")

    def fail(self) -> None:
        self._does("raise SystemExit(5)")

    def hang(self) -> None:
        self._does("import time; time.sleep(60)")

    def dribble(self) -> None:
        self._does("import time\nfor _ in range(600):\n    print(end=' ', flush=True)\n    time.sleep(0.1)")

    def _does(self, code: str) -> None:
        """Put the whole script in place at once: a helper may be starting just now."""
        new = self.script.with_name("new")
        new.write_text(code)
        new.replace(self.script)


class TestExec(ProviderConformance):
    """Every check of the suite; a helper that has no key sends the chain to the next entry."""

    missing = Outcome.MISS

    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        """Keep the key in a helper of its own."""
        return HelperStore(tmp_path)
