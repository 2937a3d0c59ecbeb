"""The hooks that a plugin may implement; mark each with `lamini_creds.hookimpl`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from lamini_creds._event import Event
    from lamini_creds._provider import CredentialProvider

PROJECT = "lamini_creds"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def lamini_creds_register_provider() -> type[CredentialProvider]:  # type: ignore[empty-body]
    """
    Give the provider's class.

    One entry point is one plugin is one provider: the entry point, in the
    group `lamini_creds`, names the module that holds this hook, and its own
    name, matching `[a-z][a-z0-9]*(-[a-z0-9]+)*`, is the provider's.

    Returns:
        A frozen dataclass with `provide`; its fields are the options that
        `[tool.lamini_creds.provider.NAME]` fills.
    """


@hookspec
def lamini_creds_observe(event: Event) -> None:
    """
    Be told what happens: enough for logs, metrics, spans and an audit trail.

    Called in the thread where it happens, for plugins that `observers` names.
    Return soon. An exception is reported once and does no harm.

    Args:
        event: What happened, value-free.
    """
