"""The place behind a provider under test: what a plugin's author says to the conformance suite."""

from __future__ import annotations

from typing import NoReturn


class Store:
    """
    A server of the author's that holds one secret, and the ways to put it into each state.

    Subclass it; the checks that need a method which is left out are skipped,
    and say so. A test makes a new one, so that no state outlives it.

    Attributes:
        provider: The provider's name: that of its entry point.
    """

    provider = ""

    def options(self) -> dict[str, object]:
        """Give the options with which the provider reads the secret, as `[tool.lamini_creds.provider.NAME]` would."""
        return {}

    def environ(self) -> dict[str, str]:
        """Give the variables with the login; they are set while a check runs, beside an empty HOME."""
        return {}

    def logins(self) -> tuple[str, ...]:
        """Give the passwords and tokens among them, of 8 characters or more: no error and no log may show them."""
        return ()

    def put(self, key: str, url: str | None = None) -> None:  # noqa: ARG002  # for subclasses
        """Store a key, alone or with its URL; later calls rotate it."""
        _left_out(self, "put")

    def remove(self) -> None:
        """Take the secret away."""
        _left_out(self, "remove")

    def deny(self) -> None:
        """Let the store refuse the provider's login, or refuse it this secret."""
        _left_out(self, "deny")

    def fail(self) -> None:
        """Let the store be down: nobody listens, or it answers with an error of its own."""
        _left_out(self, "fail")

    def hang(self) -> None:
        """Let the store take requests and never answer."""
        _left_out(self, "hang")

    def dribble(self) -> None:
        """Let the store begin its answer and give the rest a byte at a time: no single read takes long."""
        _left_out(self, "dribble")

    def corrupt(self, text: str) -> None:  # noqa: ARG002  # for subclasses
        """
        Store what is no secret.

        Args:
            text: The beginning of a JSON document, cut off inside a key.
        """
        _left_out(self, "corrupt")


def _left_out(store: Store, method: str) -> NoReturn:
    import pytest

    pytest.skip(f"{type(store).__name__} has no {method}()")
