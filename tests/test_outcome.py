"""The plain values that tell what became of a walk."""

from __future__ import annotations

import json
import pickle

import pytest

from lamini_creds import Attempt, Outcome, PairingError, Resolution
from lamini_creds._credential import Credential, Hidden
from lamini_creds._outcome import Problem
from lamini_creds._url import Url
from lamini_creds.testing import assert_no_leak

KEY = "test-key-0123456789"
ATTEMPTS = (
    Attempt("env", Outcome.MISS, "LAMINI_API_KEY", "is not set", seconds=0.0012345),
    Attempt("aws:eu", Outcome.FOUND, "prod/lamini", version="7"),
)
FOUND = Credential(
    Hidden(KEY), Url("https", "a.example", 443), provider="aws:eu", source="prod/lamini", url_source="default",
    profile="production", version="7",
)  # fmt: skip


def section(resolution: Resolution, name: str) -> dict[str, object]:
    found = resolution.as_dict()[name]
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    ("attempt", "expected"),
    [
        pytest.param(ATTEMPTS[0], "env: LAMINI_API_KEY: is not set", id="place-and-reason"),
        pytest.param(ATTEMPTS[1], "aws:eu: prod/lamini: found", id="no-reason"),
        pytest.param(Attempt("gcp", Outcome.MISS, reason="is not configured"), "gcp: is not configured", id="no-place"),
        pytest.param(Attempt("gcp", Outcome.DENIED), "gcp: denied", id="neither"),
    ],
)
def test_attempt_prints(attempt: Attempt, expected: str) -> None:
    """An attempt prints as entry, place, and reason or outcome."""
    assert expected == str(attempt)


@pytest.mark.parametrize("value", [Problem("a", "b"), *ATTEMPTS], ids=str)
def test_pickles(value: object) -> None:
    """These values pickle, so that errors can carry them between processes."""
    assert value == pickle.loads(pickle.dumps(value))  # noqa: S301  # our own bytes


@pytest.mark.parametrize(
    "value",
    [Problem("a"), ATTEMPTS[0], Resolution("production", FOUND, ATTEMPTS)],
    ids=["problem", "attempt", "resolution"],
)
def test_immutable(value: object) -> None:
    """Nobody changes a report."""
    with pytest.raises(AttributeError):
        value.reason = "another"  # type: ignore[attr-defined]  # that is the fact


def test_found_as_dict() -> None:
    """A report of success names the credential without its key."""
    assert {
        "provider": "aws:eu", "source": "prod/lamini", "url": "https://a.example", "url_source": "default",
        "profile": "production", "version": "7", "expires_at": None, "fingerprint": FOUND.fingerprint,
    } == section(Resolution("production", FOUND, ATTEMPTS), "credential")  # fmt: skip


def test_failure_as_dict() -> None:
    """A report of failure has the error's class, place, reason and remedy."""
    error = PairingError("the key was stored with another URL", place="env: LAMINI_API_URL", remedy="Give both.")

    assert {
        "type": "PairingError", "place": "env: LAMINI_API_URL", "reason": "the key was stored with another URL",
        "remedy": "Give both.",
    } == section(Resolution("production", None, ATTEMPTS, error), "error")  # fmt: skip


@pytest.mark.parametrize(
    "resolution",
    [Resolution("production", FOUND, ATTEMPTS, warnings=("mend it",)), Resolution("x", None, (), PairingError("no"))],
    ids=["found", "failed"],
)
def test_as_dict_is_json(resolution: Resolution) -> None:
    """A report is made of what JSON knows."""
    report = resolution.as_dict()

    assert report == json.loads(json.dumps(report))


def test_no_leak() -> None:
    """Neither the resolution nor its report shows the key."""
    resolution = Resolution("production", FOUND, ATTEMPTS)

    assert_no_leak(KEY, resolution, resolution.as_dict(), json.dumps(resolution.as_dict()))
