"""`lamini-creds providers`: who offers what, with nobody else's code run unless asked for."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    Command = Callable[..., Result]
    Process = Callable[..., subprocess.CompletedProcess[str]]
    Install = Callable[..., Path]

PLUGIN = """
    from dataclasses import dataclass
    from pathlib import Path
    from typing import Annotated
    import msgspec
    from lamini_creds import hookimpl

    Path(__file__).with_name("imported").touch()

    @dataclass(frozen=True)
    class Vault:
        '''Secrets of a keeper.

        And more of them.
        '''

        secret: Annotated[str, msgspec.Meta(description="The secret's name.")]

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


def rows(done: Result) -> dict[str, list[str]]:
    """Give the cells of the first table by their first one."""
    table = [re.split(r"  +", line) for line in done.stdout.partition("\n\n")[0].splitlines()[1:]]
    return {cells[0]: cells[1:] for cells in table}


def test_the_built_in_ones_in_a_process_of_its_own(process: Process) -> None:
    """The built-in providers are listed in the order of the default chain, and last the one that is not in it."""
    done = process("providers")

    assert (0, "") == (done.returncode, done.stderr)
    assert ["explicit", "env", "file", "yaml", "exec"] == re.findall(
        r"^(\w+) +lamini-creds ", done.stdout, re.MULTILINE
    )


def test_what_a_built_in_one_is(command: Command) -> None:
    """A row has distribution, options and the first line of the class's docstring."""
    distribution, *_, options, summary = rows(command("providers"))["yaml"]

    assert "lamini-creds" == distribution
    assert {"path", "permissions"} <= set(options.split(", "))
    assert summary.startswith("YAML files with ")


def test_options_are_described(command: Command) -> None:
    """Each option is listed with its description."""
    assert re.search(r"^yaml +path +A file to read in place of", command("providers").stdout, re.MULTILINE)


def test_a_plugin_is_listed_from_metadata(command: Command, install: Install, site: Path) -> None:
    """A plugin is listed with its distribution, version and summary, and not imported."""
    install("keeper", PLUGIN, summary="Keys from a keeper")
    done = command("providers")

    assert ["creds-keeper", "1.2", "(not loaded)", "Keys from a keeper"] == rows(done)["keeper"]
    assert not (site / "imported").exists()


def test_load_shows_the_options_of_plugins(command: Command, install: Install) -> None:
    """--load imports the plugins, and shows their options and what their class says of itself."""
    install("keeper", PLUGIN, summary="Keys from a keeper")
    done = command("providers", "--load")

    assert (0, ["creds-keeper", "1.2", "secret", "Secrets of a keeper."]) == (done.exit_code, rows(done)["keeper"])
    assert re.search(r"^keeper +secret +The secret's name\.$", done.stdout, re.MULTILINE)


def test_a_broken_plugin_is_told(command: Command, install: Install) -> None:
    """A plugin that can't be loaded is listed all the same, told with its distribution, and the status is 2."""
    install("keeper", "raise RuntimeError('test-key-1')")
    done = command("providers", "--load")

    assert (2, "can't be loaded") == (done.exit_code, rows(done)["keeper"][-1])
    assert done.stderr.startswith("error: the plugin of creds-keeper 1.2 can't be loaded: it raised RuntimeError\n")


def test_a_broken_plugin_does_no_harm_unloaded(command: Command, install: Install) -> None:
    """Without --load a plugin that would break is no concern."""
    install("keeper", "raise RuntimeError('test-key-1')")

    assert 0 == command("providers").exit_code


def test_an_observer_is_told_apart(command: Command, install: Install) -> None:
    """--load tells a plugin that observes from one that provides."""
    install("watcher", OBSERVER, summary="Counts things")
    done = command("providers", "--load")

    assert (0, ["creds-watcher", "1.2", "none", "observer: Counts things"]) == (done.exit_code, rows(done)["watcher"])


def test_both_of_two_with_one_name_are_listed(command: Command, install: Install) -> None:
    """Two distributions that offer one name are both listed."""
    install("keeper", PLUGIN, distribution="one")
    install("keeper", PLUGIN, distribution="two")

    assert ["one", "two"] == re.findall(r"^keeper +(\w+) ", command("providers").stdout, re.MULTILINE)


@pytest.mark.parametrize("arguments", [["providers"], ["providers", "--load"]], ids=["unloaded", "loaded"])
def test_a_plugin_with_a_built_in_name_is_never_used(
    arguments: list[str], command: Command, install: Install, site: Path
) -> None:
    """A plugin that takes a built-in provider's name is listed as unused, and never imported."""
    install("env", PLUGIN)
    done = command(*arguments)

    assert re.search(r"^env +creds-env .*never used: a built-in provider has this name$", done.stdout, re.MULTILINE)
    assert not (site / "imported").exists()


@pytest.mark.parametrize("arguments", [["providers"], ["providers", "--load"]], ids=["unloaded", "loaded"])
def test_words_of_plugins_are_escaped(arguments: list[str], command: Command, install: Install) -> None:
    """A plugin's own words can't move the terminal's cursor."""
    install("keeper", PLUGIN.replace("Secrets of", r"Secrets \x1b[31m of"), summary="Keys \x1b[31m")
    done = command(*arguments)

    assert "\x1b" not in done.output
    assert r"\x1b[31m" in done.stdout


def test_options_that_can_t_be_described(command: Command, install: Install) -> None:
    """A provider with an option of a type that does not exist is told of, and does no harm to the rest."""
    install("keeper", PLUGIN.replace("secret: Annotated[str", 'secret: Annotated["Strr"'))
    done = command("providers", "--load")

    assert 2 == done.exit_code
    assert done.stderr.startswith("error: the options of 'keeper' can't be described: ")
