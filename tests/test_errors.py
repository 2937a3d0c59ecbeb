"""The tree of exceptions: its shape, its words, and the way to another process."""

from __future__ import annotations

import copy
import inspect
import pickle

import pytest

from lamini_creds import Attempt, Outcome, errors

CLASSES = [getattr(errors, name) for name in errors.__all__ if name != "CredentialWarning"]
ATTEMPTS = (Attempt("env", Outcome.MISS, "LAMINI_API_KEY", "is not set"),)


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_one_base(kind: type[errors.CredentialError]) -> None:
    """Whoever catches CredentialError catches all of them."""
    assert issubclass(kind, errors.CredentialError)


@pytest.mark.parametrize(
    ("kind", "base"),
    [
        (errors.UnknownProviderError, errors.ConfigError),
        (errors.ProviderConflictError, errors.ConfigError),
        (errors.UntrustedConfigError, errors.ConfigError),
        (errors.ProviderDenied, errors.ProviderError),
        (errors.ProviderUnavailable, errors.ProviderError),
        (errors.ProviderUnsupported, errors.ProviderError),
        (errors.ProviderInvalid, errors.ProviderError),
        (errors.ConfigError, errors.CredentialError),
        (errors.PairingError, errors.CredentialError),
        (errors.CredentialsNotFoundError, errors.CredentialError),
        (errors.ProviderError, errors.CredentialError),
        (errors.CredentialError, Exception),
        (errors.CredentialWarning, UserWarning),
    ],
)
def test_tree(kind: type, base: type) -> None:
    """The tree is the one that is drawn."""
    assert base is kind.__base__


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_pickles(kind: type[errors.CredentialError]) -> None:
    """An error goes to another process with all it says, attempts and notes included."""
    error = kind("is wrong", place="here", remedy="Mend it.", attempts=ATTEMPTS)
    error.add_note("seen by the health check")
    there = pickle.loads(pickle.dumps(error))  # noqa: S301  # our own bytes

    assert (kind, "is wrong", "here", "Mend it.", ATTEMPTS, ["seen by the health check"]) == (
        type(there), there.reason, there.place, there.remedy, there.attempts, there.__notes__,
    )  # fmt: skip


@pytest.mark.parametrize("kind", CLASSES, ids=lambda kind: kind.__name__)
def test_copies(kind: type[errors.CredentialError]) -> None:
    """A copy says the same."""
    error = kind("is wrong", place="here", remedy="Mend it.", attempts=ATTEMPTS)

    assert vars(error) == vars(copy.deepcopy(error))


@pytest.mark.parametrize("name", errors.__all__)
def test_documented(name: str) -> None:
    """Each class stands in the drawing, or says itself when it is given."""
    assert name in (errors.__doc__ or "") or inspect.getdoc(getattr(errors, name))


@pytest.mark.parametrize(
    ("details", "expected"),
    [
        pytest.param({}, "is wrong", id="reason-alone"),
        pytest.param({"place": "env: X"}, "env: X: is wrong", id="place"),
        pytest.param({"remedy": "Mend it."}, "is wrong\n  Mend it.", id="remedy"),
        pytest.param({"place": "env: X", "remedy": "Mend it."}, "env: X: is wrong\n  Mend it.", id="both"),
    ],
)
def test_prints(details: dict[str, str], expected: str) -> None:
    """An error prints as place and reason, with the remedy on a line of its own."""
    assert expected == str(errors.CredentialError("is wrong", **details))  # type: ignore[arg-type]  # texts alone


def test_attempts_are_kept_as_they_are() -> None:
    """The list that an error was made with can change without changing the error."""
    attempts = [*ATTEMPTS]
    error = errors.CredentialError("is wrong", attempts=attempts)
    attempts.clear()

    assert ATTEMPTS == error.attempts
