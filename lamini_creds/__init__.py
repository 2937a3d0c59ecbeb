"""Find an API key and the URL it belongs to, wherever they live, and say where they were found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lamini_creds._api import aresolve_credentials, configure, reset, resolve_credentials
from lamini_creds._credential import Credential, Secret
from lamini_creds._outcome import Attempt, Outcome, Resolution
from lamini_creds._provider import Context, CredentialProvider, LocalProvider
from lamini_creds._resolver import Resolver
from lamini_creds._service import LAMINI, Service
from lamini_creds.errors import (
    ConfigError,
    CredentialError,
    CredentialsNotFoundError,
    CredentialWarning,
    PairingError,
    ProviderConflictError,
    ProviderDenied,
    ProviderError,
    ProviderInvalid,
    ProviderUnavailable,
    ProviderUnsupported,
    UnknownProviderError,
    UntrustedConfigError,
)

if TYPE_CHECKING:
    from lamini_creds._event import Event, Kind
    from lamini_creds._login import login
    from lamini_creds._payload import parse_payload
    from lamini_creds._quiet import quiet_logs
    from lamini_creds.hookspecs import hookimpl

_LATER = {
    "Event": "_event",
    "Kind": "_event",
    "hookimpl": "hookspecs",
    "login": "_login",
    "parse_payload": "_payload",
    "quiet_logs": "_quiet",
}

__all__ = [
    "LAMINI",
    "Attempt",
    "ConfigError",
    "Context",
    "Credential",
    "CredentialError",
    "CredentialProvider",
    "CredentialWarning",
    "CredentialsNotFoundError",
    "Event",
    "Kind",
    "LocalProvider",
    "Outcome",
    "PairingError",
    "ProviderConflictError",
    "ProviderDenied",
    "ProviderError",
    "ProviderInvalid",
    "ProviderUnavailable",
    "ProviderUnsupported",
    "Resolution",
    "Resolver",
    "Secret",
    "Service",
    "UnknownProviderError",
    "UntrustedConfigError",
    "aresolve_credentials",
    "configure",
    "hookimpl",
    "login",
    "parse_payload",
    "quiet_logs",
    "reset",
    "resolve_credentials",
]


def __getattr__(name: str) -> object:
    """Import what observers and plugins alone need when it is asked for."""
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
