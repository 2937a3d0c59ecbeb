"""What a loaded plugin says of itself: its options as JSON Schema, and whether it observes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from lamini_creds._options import option_types, schema
from lamini_creds.errors import CredentialError, ProviderInvalid

if TYPE_CHECKING:
    from lamini_creds._registry import Registry


def options(name: str, provider: object) -> dict[str, Any]:
    """
    Give the JSON Schema of each option of a provider's class, its default as plain JSON.

    Args:
        name: The provider's name.
        provider: Its class.

    Raises:
        ProviderInvalid: An option has a type that can't be described, or that no longer exists.
    """
    try:
        if not isinstance(provider, type) or not option_types(provider):
            return {}
        properties: dict[str, Any] = schema(provider)["properties"]
        for option in properties.values():
            if "default" in option:
                option["default"] = msgspec.to_builtins(option["default"], enc_hook=str)
    except Exception as error:  # noqa: BLE001  # whatever a plugin's annotations are, the others go on
        problem = ProviderInvalid(
            f"the options of '{name}' can't be described: {type(error).__name__}",
            remedy="Give each option a type that msgspec knows.",
        )
    else:
        return properties
    raise problem


def observes(registry: Registry, name: str) -> bool:
    """Say whether the plugin of this name is an observer."""
    try:
        registry.observer(name)
    except CredentialError:
        return False
    return True
