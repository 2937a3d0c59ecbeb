"""`lamini-creds schema`: valid, closed, and of one mind with the loader."""

from __future__ import annotations

import json
import re
import tomllib
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from lamini_creds._options import EntryOptions, TopLevel, option_types

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    Command = Callable[..., Result]
    Process = Callable[..., subprocess.CompletedProcess[str]]
    Install = Callable[..., Path]

PLUGIN = """
    from dataclasses import dataclass, field
    from datetime import timedelta
    from pathlib import Path
    from typing import Annotated
    import msgspec
    from lamini_creds import hookimpl

    @dataclass(frozen=True)
    class Region:
        name: str

    @dataclass(frozen=True)
    class Vault:
        '''A keeper.'''

        secret: Annotated[str, msgspec.Meta(description="The secret's name.")]
        region: Region | None = None
        regions: tuple[str, ...] = ()
        patience: timedelta = timedelta(seconds=3)
        file: Path = Path("a.json")

        def provide(self, context):
            return None

    @hookimpl
    def lamini_creds_register_provider():
        return Vault
"""
OBSERVER = """
    from lamini_creds import hookimpl

    @hookimpl
    def lamini_creds_observe(event):
        pass
"""


def schema(done: Result) -> dict[str, Any]:
    described: dict[str, Any] = json.loads(done.stdout)
    return described


def accepts(described: dict[str, Any], text: str) -> bool:
    return Draft202012Validator(described).is_valid(tomllib.loads(text))


def test_the_schema_of_a_process_of_its_own(process: Process) -> None:
    """The command prints one JSON Schema, valid by its dialect, and nothing else."""
    done = process("schema")

    assert (0, "") == (done.returncode, done.stderr)
    Draft202012Validator.check_schema(json.loads(done.stdout))


def test_every_setting_is_described(command: Command) -> None:
    """Each setting of the table has a description."""
    properties = schema(command("schema"))["properties"]

    assert {*option_types(TopLevel), "provider", "profile"} == set(properties)
    assert [] == [name for name, described in properties.items() if not described.get("description")]


def test_every_option_is_described(command: Command) -> None:
    """Each option of a built-in provider, and of every entry, has a description."""
    table = schema(command("schema"))["$defs"]["provider:yaml"]["properties"]

    assert {"path", "permissions", *option_types(EntryOptions)} <= set(table)
    assert [] == [name for name, described in table.items() if not described.get("description")]


def good() -> list[Any]:
    return [
        pytest.param("", id="empty"),
        pytest.param('providers = ["yaml", "env", "explicit", "file", "yaml:mine"]', id="order"),
        pytest.param('providers = ["yaml:mine"]\n[provider."yaml:mine"]\npath = "/a"', id="label"),
        pytest.param('profile = "lab.2"', id="profile"),
        pytest.param('default_profile = "staging"', id="default profile"),
        pytest.param('http = "loopback"', id="class of hosts"),
        pytest.param('http = ["http://gpu:8000", "HTTP://10.0.0.1/"]', id="list of hosts"),
        pytest.param('allow_origins = ["https://a.example", "http://[::1]:80"]', id="origins"),
        pytest.param("deadline = 3", id="whole number"),
        pytest.param('continue_on = ["denied", "unavailable"]', id="failures"),
        pytest.param('[provider.file]\nkey_file = "/a"\npermissions = "strict"\nttl = 0.5', id="file"),
        pytest.param('[provider.env]\ncontinue_on = ["denied"]', id="env"),
        pytest.param(
            '[profile.lab]\nproviders = ["env"]\ncontinue_on = []\n[profile.lab.provider.yaml]\npath = "/a"',
            id="overlay",
        ),
    ]


def bad() -> list[Any]:
    return [
        pytest.param('htttp = "any"', id="unknown setting"),
        pytest.param('providers = "env"', id="order as text"),
        pytest.param('providers = ["Env"]', id="capitals"),
        pytest.param('providers = ["env", "env"]', id="twice"),
        pytest.param('providers = ["ymal"]', id="unknown provider"),
        pytest.param('providers = ["explicit:mine"]', id="explicit with a label"),
        pytest.param('providers = ["env:"]', id="empty label"),
        pytest.param('profile = "a b"', id="profile"),
        pytest.param('default_profile = "-"', id="default profile"),
        pytest.param('http = "maybe"', id="class of hosts"),
        pytest.param('http = ["gpu:8000"]', id="host without a scheme"),
        pytest.param('allow_origins = ["https://user@a.example"]', id="origin with a user"),
        pytest.param('allow_origins = ["https://a.example/v1"]', id="origin with a path"),
        pytest.param('allow_origins = "https://a.example"', id="origins as text"),
        pytest.param("deadline = 0", id="no time"),
        pytest.param("deadline = true", id="truth as a number"),
        pytest.param('deadline = "3"', id="number as text"),
        pytest.param('continue_on = ["invalid"]', id="failure that never goes on"),
        pytest.param('observers = ["A b"]', id="observer"),
        pytest.param("provider = 3", id="no tables"),
        pytest.param("[provider]\nenv = 3", id="no table"),
        pytest.param('[provider.yaml]\npth = "/a"', id="unknown option"),
        pytest.param("[provider.yaml]\npath = 3", id="option's type"),
        pytest.param('[provider.file]\npermissions = "loose"', id="option's choice"),
        pytest.param("[provider.env]\nttl = -1", id="entry's own"),
        pytest.param("[provider.explicit]\nttl = 1", id="explicit"),
        pytest.param("[provider.ymal]\na = 1", id="unknown entry"),
        pytest.param('[profile.lab]\nhttp = "any"', id="not for overlays"),
        pytest.param("[profile]\nlab = 3", id="overlay no table"),
        pytest.param('[profile."a b"]\nproviders = []', id="overlay's name"),
        pytest.param('[profile.lab.provider.yaml]\npth = "/a"', id="option in an overlay"),
    ]


@pytest.mark.parametrize("text", good())
def test_both_accept_what_is_good(text: str, command: Command, project: Path) -> None:
    """What the schema accepts, the loader accepts."""
    named = project / "named.toml"
    named.write_text(text)

    assert 0 == command("check", LAMINI_CREDS_CONFIG=str(named)).exit_code
    assert accepts(schema(command("schema")), text)


@pytest.mark.parametrize("text", bad())
def test_both_refuse_what_is_bad(text: str, command: Command, project: Path) -> None:
    """What the schema refuses, the loader refuses."""
    named = project / "named.toml"
    named.write_text(text)

    assert 2 == command("check", LAMINI_CREDS_CONFIG=str(named)).exit_code
    assert not accepts(schema(command("schema")), text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param('providers = ["keeper"]\n[provider.keeper]\nsecret = "a"', True, id="option"),
        pytest.param('[provider."keeper:eu"]\nregion = {name = "eu"}', True, id="nested option"),
        pytest.param("[provider.keeper.region]\nname = 3", False, id="nested type"),
        pytest.param('[provider.keeper]\nsercet = "a"', False, id="unknown"),
        pytest.param("[provider.keeper]\ntimeout = 0", False, id="entry's own"),
    ],
)
def test_installed_plugins_are_in_it(text: str, expected: bool, command: Command, install: Install) -> None:
    """The options of an installed plugin are in the schema, closed, with what they refer to."""
    install("keeper", PLUGIN)
    described = schema(command("schema"))

    Draft202012Validator.check_schema(described)
    assert expected == accepts(described, text)


def test_defaults_are_plain_json(command: Command, install: Install) -> None:
    """A default of a type that JSON does not have is written as the option would be."""
    install("keeper", PLUGIN)
    table = schema(command("schema"))["$defs"]["provider:keeper"]["properties"]

    assert ([], "PT3S", "a.json") == tuple(table[option]["default"] for option in ("regions", "patience", "file"))


def test_plugins_that_are_not_here_take_any_option(command: Command) -> None:
    """The table of a provider of the default order that is not installed is open, but for the entry's own keys."""
    described = schema(command("schema"))

    assert accepts(described, '[provider.aws]\nregion = "eu"')
    assert not accepts(described, '[provider.aws]\nttl = "long"')


def test_a_broken_plugin_is_told(command: Command, install: Install) -> None:
    """A plugin that can't be loaded is named, its table is open, and the status is 2."""
    install("keeper", "raise RuntimeError('test-key-1')")
    done = command("schema")

    assert 2 == done.exit_code
    assert done.stderr.startswith("error: the plugin of creds-keeper 1.2 can't be loaded: it raised RuntimeError\n")
    assert accepts(schema(done), 'providers = ["keeper"]\n[provider.keeper]\nsecret = "a"')


def test_observers_are_no_providers(command: Command, install: Install) -> None:
    """An observer that is installed is no provider that an order may name."""
    install("watcher", OBSERVER)
    done = command("schema")

    assert (0, False) == (done.exit_code, accepts(schema(done), 'providers = ["watcher"]'))
    assert accepts(schema(done), 'observers = ["watcher"]')


def test_the_schema_of_explain(command: Command) -> None:
    """--explain prints the published schema of the report."""
    described = schema(command("schema", "--explain"))

    Draft202012Validator.check_schema(described)
    assert re.search("explain --json", described["title"])


def test_options_that_can_t_be_described(command: Command, install: Install) -> None:
    """A provider with an option of a type that does not exist is told of, and does no harm to the rest."""
    install("keeper", PLUGIN.replace("secret: Annotated[str", 'secret: Annotated["Strr"'))
    done = command("schema")

    assert 2 == done.exit_code
    assert done.stderr.startswith("error: the options of 'keeper' can't be described: ")
