"""Near misses are told by name, and only where a name is nearly right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lamini_creds import Context, Service
from lamini_creds._hints import hints
from lamini_creds.testing import assert_no_leak

if TYPE_CHECKING:
    from pathlib import Path

KEY = "test-key-0123456789"


@pytest.fixture(autouse=True)
def _empty_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def told(*names: str, service: Service | None = None) -> list[str]:
    environ = dict.fromkeys(names, KEY)
    text = hints(Context(environ=environ, service=service) if service else Context(environ=environ))
    assert_no_leak(KEY, text)
    return text.split("\n  ")[1:]


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("LAMINI_KEY", "LAMINI_API_KEY"),
        ("LAMINI_TOKEN", "LAMINI_API_KEY"),
        ("LAMINI_API_TOKEN", "LAMINI_API_KEY"),
        ("LAMINI_APIKEY", "LAMINI_API_KEY"),
        ("lamini_api_key", "LAMINI_API_KEY"),
        ("Lamini_Api_Key", "LAMINI_API_KEY"),
        ("LAMINI_API_KEY_", "LAMINI_API_KEY"),
        ("LAMINI_PRODUCTION_KEY", "LAMINI_API_KEY"),
        ("LAMINI__KEY", "LAMINI_API_KEY"),
        ("LAMINI_URL", "LAMINI_API_URL"),
        ("LAMINI_BASE_URL", "LAMINI_API_URL"),
        ("POWERML_API_KEY", "LAMINI_API_KEY"),
        ("POWERML__PRODUCTION__KEY", "LAMINI_API_KEY"),
        ("POWERML__PRODUCTION__URL", "LAMINI_API_URL"),
    ],
)
def test_near_miss(name: str, meant: str) -> None:
    """A name that is nearly right is told with the right one."""
    assert [f"{name} is set; the name read is {meant}"] == told(name)


def test_small_letters() -> None:
    """A profile's variable in small letters is told in capitals."""
    assert ["lamini__staging__key is set; names are read in capitals: LAMINI__STAGING__KEY"] == told(
        "lamini__staging__key"
    )


@pytest.mark.parametrize(
    "name",
    [
        "LAMINI_API_KEY", "LAMINI_API_URL", "LAMINI__STAGING__KEY", "LAMINI__STAGING__URL", "LAMINI_API_KEY_FILE",
        "LAMINI_CREDS__AWS__KEY", "LAMINI_MODEL", "OPENAI_API_KEY", "MY_LAMINI_KEY", "LAMINIKEY",
    ],
)  # fmt: skip
def test_no_miss(name: str) -> None:
    """A name that is read, or is somebody else's, is not told."""
    assert [] == told(name)


def test_blank() -> None:
    """A blank variable counts as absent."""
    assert "" == hints(Context(environ={"LAMINI_KEY": " "}))


def test_at_most_five() -> None:
    """Five near misses are enough."""
    assert 5 == len(told(*(f"LAMINI_{letter}_KEY" for letter in "ABCDEFG")))


def test_escaped() -> None:
    """A name from outside is escaped."""
    assert ["LAMINI_\\x1b[2J_KEY is set; the name read is LAMINI_API_KEY"] == told("LAMINI_\x1b[2J_KEY")


def test_another_service() -> None:
    """Another service has near misses of its own."""
    assert ["VLLM_KEY is set; the name read is VLLM_API_KEY"] == told("VLLM_KEY", "LAMINI_KEY", service=Service("vllm"))


def test_dotenv(tmp_path: Path) -> None:
    """A .env that lies here is told of, and not read."""
    (tmp_path / ".env").write_text(f"LAMINI_API_KEY={KEY}")

    assert [".env is here and is never read: export its variables"] == told()


def test_nothing() -> None:
    """Where nothing is near, nothing is told."""
    assert "" == hints(Context())
