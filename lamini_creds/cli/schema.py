"""`lamini-creds schema`: the JSON Schema of `[tool.lamini_creds]`, for editors."""

from __future__ import annotations

import json
import sys
from contextlib import redirect_stdout
from importlib import resources
from typing import TYPE_CHECKING, Any

import click

from lamini_creds import _options
from lamini_creds._config import PROFILE
from lamini_creds._layers import NAME
from lamini_creds._options import EntryOptions, TopLevel
from lamini_creds._plugins import installed
from lamini_creds._registry import BUILT_IN, Registry
from lamini_creds._settings import DEFAULT_ORDER
from lamini_creds.cli import _output
from lamini_creds.cli._command import Command
from lamini_creds.cli._described import observes, options
from lamini_creds.errors import CredentialError

if TYPE_CHECKING:
    from collections.abc import Iterable

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_LABEL = "(:[A-Za-z0-9][A-Za-z0-9_-]*)?$"
_PROFILE = f"^{PROFILE}$"
_ORIGIN = r"^[Hh][Tt][Tt][Pp][Ss]?://[^\s/?#@\\]+/*$"
_OVERLAID = ("providers", "continue_on")


@click.command(cls=Command, short_help="Print the JSON Schema of [tool.lamini_creds], for editors.")
@click.option("--explain", "of_explain", is_flag=True, help="Print the schema of `explain --json` instead.")
def schema(*, of_explain: bool) -> None:
    """
    Print the JSON Schema of the table [tool.lamini_creds], for editors.

    It is closed: other names are errors. The installed plugins are imported,
    since the schema has their options too; one that can't be loaded is told
    of, and any option is allowed for it.

    Exit status: 0, or 2 where a plugin can't be loaded.
    """
    if of_explain:
        _output.as_json(json.loads(resources.files("lamini_creds.cli").joinpath("explain.schema.json").read_text()))
        return
    with redirect_stdout(sys.stderr):
        described, problems = settings_schema()
    _output.as_json(described)
    for problem in problems:
        _output.error(problem)
    sys.exit(2 if problems else 0)


def settings_schema() -> tuple[dict[str, Any], list[CredentialError]]:
    """
    Make the schema of all settings.

    Returns:
        The schema; and what is wrong with the plugins that can't be loaded.
    """
    definitions: dict[str, Any] = {}
    providers, problems = _provider_schemas(definitions)
    top = _top_level(providers)
    tables = {"type": "object", "patternProperties": {}, "additionalProperties": False}
    tables["patternProperties"] = {f"^{name}{_LABEL}": {"$ref": f"#/$defs/provider:{name}"} for name in providers}
    overlay = {name: top[name] for name in _OVERLAID} | {"provider": {"$ref": "#/$defs/providers"}}
    definitions |= {f"provider:{name}": table for name, table in providers.items()}
    definitions |= {"providers": tables, "overlay": _closed(overlay)}
    top["provider"] = {"$ref": "#/$defs/providers", "description": "The options of each entry of the chain."}
    top["profile"] = {
        "description": "The ambient profile's name; or, as tables `profile.NAME`, what a profile sets in its stead.",
        "anyOf": [
            {"type": "string", "pattern": _PROFILE},
            {
                "type": "object",
                "patternProperties": {_PROFILE: {"$ref": "#/$defs/overlay"}},
                "additionalProperties": False,
            },
        ],
    }
    head = {"$schema": _DIALECT, "title": "[tool.lamini_creds]"}
    return head | _closed(top) | {"$defs": definitions}, problems


def _closed(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _top_level(names: Iterable[str]) -> dict[str, Any]:
    """Describe the settings of the table itself, with what types alone can't say."""
    top: dict[str, Any] = _options.schema(TopLevel)["properties"]
    top["providers"]["items"]["pattern"] = f"^(explicit$|({'|'.join(names)}){_LABEL})"
    top["providers"]["uniqueItems"] = True
    top["default_profile"]["pattern"] = _PROFILE
    top["allow_origins"]["items"]["pattern"] = _ORIGIN
    top["observers"]["items"]["pattern"] = f"^{NAME.pattern}$"
    for choice in top["http"]["anyOf"]:
        if "items" in choice:
            choice["items"]["pattern"] = _ORIGIN
    return top


def _provider_schemas(definitions: dict[str, Any]) -> tuple[dict[str, Any], list[CredentialError]]:
    """Describe each provider's table; one that is not here, or broken, takes any option."""
    registry = Registry()
    shared = _options.schema(EntryOptions)["properties"]
    described: dict[str, Any] = {name: {"type": "object", "properties": shared} for name in DEFAULT_ORDER}
    problems: list[CredentialError] = []
    for name in dict.fromkeys((*BUILT_IN, *(offer.name for offer in installed()))):
        try:
            own = _hoisted(options(name, registry.provider(name)), definitions)
        except CredentialError as error:
            if not observes(registry, name):
                problems.append(error)
                described[name] = {"type": "object", "properties": shared}
            continue
        described[name] = _closed(own | shared)
    described.pop("explicit")
    return described, problems


def _hoisted(properties: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Move what options refer to where their references look for it."""
    for option in properties.values():
        definitions |= option.pop("$defs", {})
    return properties
