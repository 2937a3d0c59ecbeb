"""What every provider has to do, and what this one does besides."""

import json
from pathlib import Path

import pytest
from lamini_creds_example import ExampleProvider

from lamini_creds import Context, Outcome, resolve_credentials
from lamini_creds.testing import FakeClock, ProviderConformance, Store, override, resolver_of


class ExampleStore(Store):
    """The file, and the ways to put it into each state."""

    provider = "example"

    def __init__(self, file: Path) -> None:
        self.file = file

    def options(self) -> dict[str, object]:
        return {"path": str(self.file)}

    def put(self, key: str, url: str | None = None) -> None:
        self.file.write_text(json.dumps({"key": key, "url": url}))

    def remove(self) -> None:
        self.file.unlink()

    def corrupt(self, text: str) -> None:
        self.file.write_text(text)


class TestExample(ProviderConformance):
    missing = Outcome.MISS

    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        return ExampleStore(tmp_path / "keys.json")


def test_each_profile_has_a_key(tmp_path: Path) -> None:
    """The key may stand below the profile's name."""
    (tmp_path / ".example.json").write_text('{"staging": {"key": "test-key-1"}}')
    secret = ExampleProvider().provide(Context(home=tmp_path, profile="staging"))

    assert secret is not None
    assert secret.key == "test-key-1"


def test_a_rotation_is_seen(tmp_path: Path) -> None:
    """A new key is seen once the old answer's time is over."""
    store, clock = ExampleStore(tmp_path / ".example.json"), FakeClock()
    resolver = resolver_of({"example": ExampleProvider()}, home=tmp_path, clock=clock)
    store.put("test-key-1")
    before = resolver.resolve()
    store.put("test-key-2")
    clock.advance(301)

    assert (before.key, resolver.resolve().key) == ("test-key-1", "test-key-2")


def test_an_application_needs_no_file() -> None:
    """The tests of an application give a key of their own: no provider is asked."""
    with override(key="test-key-1", url="http://localhost:8000"):
        assert resolve_credentials().key == "test-key-1"
