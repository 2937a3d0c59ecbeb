"""
Every exception of this package, and what a caller can do about each.

    CredentialError                 catch this for all of them
    ├── ConfigError                 mend the configuration; retrying is no use
    │   ├── UnknownProviderError    a name in the chain that nothing installed answers to
    │   ├── ProviderConflictError   one name offered by two distributions
    │   └── UntrustedConfigError    a project file sets what only a trusted file may
    ├── PairingError                a key and a URL that don't belong together
    ├── CredentialsNotFoundError    every place was asked, none has a key
    └── ProviderError               one place failed; a provider raises these four
        ├── ProviderDenied          the store refuses this secret: get access
        ├── ProviderUnavailable     no answer now: try again later
        ├── ProviderUnsupported     the plugin or the platform is missing
        └── ProviderInvalid         what is there can't be used: mend it

No exception holds a key, nor the text of a parser, an HTTP client or an SDK,
which may carry one. All of them can be pickled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lamini_creds._outcome import Attempt

__all__ = [
    "ConfigError",
    "CredentialError",
    "CredentialWarning",
    "CredentialsNotFoundError",
    "PairingError",
    "ProviderConflictError",
    "ProviderDenied",
    "ProviderError",
    "ProviderInvalid",
    "ProviderUnavailable",
    "ProviderUnsupported",
    "UnknownProviderError",
    "UntrustedConfigError",
]


class CredentialError(Exception):
    """
    The base of every error here.

    Args:
        reason: What is wrong; never a value that was read.
        place: Where: a variable, a file and its table, a secret's name.
        remedy: What to do about it, as a sentence or a command.
        attempts: What each entry of the chain had said by then.
    """

    def __init__(self, reason: str, *, place: str = "", remedy: str = "", attempts: Sequence[Attempt] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.place = place
        self.remedy = remedy
        self.attempts = tuple(attempts)

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        return "\n  ".join(filter(None, (where + self.reason, self.remedy)))


class ConfigError(CredentialError):
    """The configuration is wrong: file, table and option are named."""


class UnknownProviderError(ConfigError):
    """The chain names a provider that nothing installed offers."""


class ProviderConflictError(ConfigError):
    """Two distributions offer one provider name, and none was picked."""


class UntrustedConfigError(ConfigError):
    """A project file that nobody trusted sets more than the order of providers."""


class PairingError(CredentialError):
    """A URL was named that is not of the origin the key was stored with."""


class CredentialsNotFoundError(CredentialError):
    """Every entry of the chain was asked and none has a key."""


class ProviderError(CredentialError):
    """One entry of the chain failed, and the chain with it."""


class ProviderDenied(ProviderError):
    """The store answered, and refuses this secret to us."""


class ProviderUnavailable(ProviderError):
    """The store gave no answer: time-out, DNS, 5xx, throttling, or no login to be had."""


class ProviderUnsupported(ProviderError):
    """The provider can't work here: plugin not installed, or the wrong platform."""


class ProviderInvalid(ProviderError):
    """What the place holds can't be used as it is."""


class CredentialWarning(UserWarning):
    """Something works, but should be mended: each is given once per resolver."""
