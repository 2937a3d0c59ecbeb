"""Find an API key and the URL it belongs to, wherever they live, and say where they were found."""

from lamini_creds._api import aresolve_credentials, configure, reset, resolve_credentials
from lamini_creds._credential import Credential, Secret
from lamini_creds._events import Event, Kind
from lamini_creds._outcome import Attempt, Outcome, Resolution
from lamini_creds._provider import Context, CredentialProvider, LocalProvider
from lamini_creds._quiet import quiet_logs
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
from lamini_creds.hookspecs import hookimpl

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
    "quiet_logs",
    "reset",
    "resolve_credentials",
]
