"""The reference against the code: options of the configuration and of the commands, their defaults and effects."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import MISSING
from pathlib import Path

import click
import pytest
from test_docs import first_cells, reference, section

from lamini_creds import Resolver
from lamini_creds._freshness import Timing
from lamini_creds._options import EntryOptions, TopLevel, _defaults, option_types
from lamini_creds.cli import main
from lamini_creds.providers.exec import ExecProvider
from lamini_creds.providers.file import FileProvider
from lamini_creds.providers.yaml import YamlProvider

OPTIONS = {
    "the table itself": TopLevel,
    "every entry": EntryOptions,
    "`file`": FileProvider,
    "`yaml`": YamlProvider,
    "`exec`": ExecProvider,
}
COMMANDS = main.list_commands(click.Context(main))


def rows(heading: str) -> list[tuple[str, str, str]]:
    """Give name, default and meaning of each option that a section lists."""
    text = section(reference("options"), f"Of {heading}")
    return re.findall(r"^\| `(\w+)` \|.+\| ?(.*) \| (.*) \|$", text, re.MULTILINE)


def parameters(command: str) -> list[click.Parameter]:
    found = main.get_command(click.Context(main), command)
    assert found is not None
    return found.params


@pytest.mark.parametrize(("heading", "options"), OPTIONS.items(), ids=OPTIONS)
def test_every_option_is_in_the_reference(heading: str, options: type) -> None:
    """A section lists each option with the description that the schema has, and nothing else."""
    described = [(name, annotation.__metadata__[0].description) for name, annotation in option_types(options).items()]

    assert described == [(name, meaning) for name, _, meaning in rows(heading)]


@pytest.mark.parametrize("heading", list(OPTIONS)[1:])
def test_every_default_of_an_entry_is_in_the_reference(heading: str) -> None:
    """A section has the default of each option, and an empty cell where there is none."""
    told = {name: default.replace("`", "") for name, default, _ in rows(heading)}

    assert {name: written(default) for name, default in _defaults(OPTIONS[heading]).items()} == told


def test_every_default_of_the_table_is_in_the_reference(tmp_path: Path) -> None:
    """The section has what counts where nothing is configured."""
    setup = Resolver({}, environ={}, home=tmp_path)._setup
    rules = setup._rules("production")
    counts: dict[str, object] = {
        "providers": ("explicit", *setup.settings.order("production")),
        "default_profile": setup.ambient_profile(),
        "continue_on": rules.continue_on,
        "deadline": setup.deadline("production"),
        "http": rules.http,
        "allow_origins": rules.allow_origins,
        "observers": setup._observers(),
    }
    told = {name: default.replace("`", "") for name, default, _ in rows("the table itself")}

    assert {name: written(default) for name, default in counts.items()} == told


def written(default: object) -> str:
    if default is MISSING:
        return "needed"
    if isinstance(default, float):
        return f"{default:g}"
    return default if isinstance(default, str) else ", ".join(default if isinstance(default, Iterable) else ())


def test_an_entry_without_options_has_the_same_defaults() -> None:
    """What holds for an entry whose table sets nothing holds for one without a table."""
    options = EntryOptions()

    assert Timing(options.ttl, options.timeout, options.max_stale) == Timing()


def test_every_command_is_in_the_reference() -> None:
    """The page of the command line has a heading for each command, and no other."""
    assert sorted(COMMANDS) == sorted(re.findall(r"^## `lamini-creds (\w+)`$", reference("command-line"), re.MULTILINE))


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_of_a_command_is_in_the_reference(command: str) -> None:
    """A command's table lists each of its options, and nothing else."""
    cells = first_cells(section(reference("command-line"), f"`lamini-creds {command}`"))

    assert [parameter.opts[0] for parameter in parameters(command)] == [cell.split()[0] for cell in cells]


@pytest.mark.parametrize("command", COMMANDS)
def test_the_effect_of_an_option_is_what_its_help_says(command: str) -> None:
    """A command's table says of each option what `--help` does; it may say more."""
    text = section(reference("command-line"), f"`lamini-creds {command}`").replace("`", "")
    told = re.findall(r"^\| --\w.* \| (.*) \|$", text, re.MULTILINE)
    helps = [(option.help or "").replace("`", "") for option in parameters(command) if isinstance(option, click.Option)]

    assert helps == [cell[: len(words)] for cell, words in zip(told, helps, strict=True)]
