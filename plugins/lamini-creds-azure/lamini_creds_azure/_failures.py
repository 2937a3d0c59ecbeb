"""What the SDK's errors mean here; of their own words only known codes are repeated, for they hold answers."""

from __future__ import annotations

from http import HTTPStatus

from azure.core.exceptions import AzureError, DecodeError, HttpResponseError, IncompleteReadError

from lamini_creds import ProviderDenied, ProviderError, ProviderInvalid, ProviderUnavailable

_STRANGE = "Is it a Key Vault that answers? A proxy's web page comes with status 200, too."
_MISSING = "Some vaults answer so for a secret that is not there."
_POLICY = f"Give this login the secret permission 'get' in the vault's access policy. {_MISSING}"
_ROLE = "Assign the role 'Key Vault Secrets User', for Microsoft.KeyVault/vaults/secrets/getSecret/action. " + _MISSING
_DENIALS = {
    "AccessDenied": _POLICY,
    "ForbiddenByConnection": "The vault is closed to the public network: use its private endpoint.",
    "ForbiddenByFirewall": "Let this network through the vault's firewall.",
    "ForbiddenByPolicy": _POLICY,
    "ForbiddenByRbac": _ROLE,
}


def judged(error: Exception, place: str) -> ProviderError:
    """Say what an error means for the one who wants this secret."""
    if isinstance(error, ProviderError):
        return type(error)(error.reason, place=place, remedy=error.remedy)
    if isinstance(error, HttpResponseError) and error.status_code:
        return _refusal(error.status_code, _inner_code(error), place)
    if isinstance(error, IncompleteReadError) or (isinstance(error, AzureError) and not isinstance(error, DecodeError)):
        cause = type(error.inner_exception or error).__name__
        remedy = "Check the network, the vault's name and ca_file."
        return ProviderUnavailable(f"there was no answer ({cause})", place=place, remedy=remedy)
    if isinstance(error, OSError):
        return ProviderInvalid("there is no such ca_file", place=place, remedy="Name a PEM file that can be read.")
    if str(error).startswith("The challenge "):
        remedy = "Mend vault_url; behind a private name of your own, set verify_challenge_resource = false."
        return ProviderInvalid("the vault asks for a login of another domain", place=place, remedy=remedy)
    return ProviderInvalid("the answer is no secret of a Key Vault", place=place, remedy=_STRANGE)


def _refusal(status: int, code: str, place: str) -> ProviderError:
    if code == "SecretDisabled":
        return ProviderInvalid("is disabled", place=place, remedy="Enable it, or name another version.")
    if status == HTTPStatus.UNAUTHORIZED:
        remedy = "Is it a login of the vault's tenant?"
        return ProviderDenied("the vault refuses a fresh login (HTTP 401)", place=place, remedy=remedy)
    if status == HTTPStatus.FORBIDDEN:
        known = f", {code}" if code in _DENIALS else ""
        return ProviderDenied(f"the vault refuses it (HTTP 403{known})", place=place, remedy=_DENIALS.get(code, _ROLE))
    if status == HTTPStatus.NOT_FOUND:
        return ProviderInvalid(
            "is not there, or deleted", place=place, remedy="Create it, recover it, or mend its name."
        )
    if (
        status in {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}
        or status >= HTTPStatus.INTERNAL_SERVER_ERROR
    ):
        return ProviderUnavailable(f"the vault is busy or broken (HTTP {status})", place=place)
    return ProviderInvalid(f"the vault answered with HTTP {status}", place=place, remedy=_STRANGE)


def _inner_code(error: HttpResponseError) -> str:
    inner = error.error.innererror if error.error else None
    code = inner.get("code") if isinstance(inner, dict) else None
    return code if isinstance(code, str) else ""
