"""`lamini-creds check`: every mistake of the configuration at once, and nobody asked."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from lamini_creds import ConfigError, Resolver, _plugins

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    Command = Callable[..., Result]
    Process = Callable[..., subprocess.CompletedProcess[str]]
    Install = Callable[..., Path]

CANARY = "test-key-c4n4ry9f8e7d"
PLUGIN = """
    from dataclasses import dataclass
    from pathlib import Path
    from lamini_creds import hookimpl

    @dataclass(frozen=True)
    class Vault:
        '''A keeper.'''

        secret: str
        size: int = 1

        def provide(self, context):
            Path(__file__).with_name("asked").touch()

    @hookimpl
    def lamini_creds_register_provider():
        return Vault
"""


def mistakes(done: Result) -> list[str]:
    """Give the first line of each mistake that was told."""
    return [line.removeprefix("error: ") for line in done.stderr.splitlines() if line.startswith("error: ")]


@pytest.fixture
def named(project: Path) -> Path:
    """A file of settings that LAMINI_CREDS_CONFIG may name."""
    return project / "named.toml"


def test_nothing_configured_in_a_process_of_its_own(process: Process) -> None:
    """Without any configuration all is in order, and the default chain is shown."""
    done = process("check")

    assert (0, "") == (done.returncode, done.stderr)
    assert [
        "read: nothing; the defaults hold",
        "profile production (ambient): explicit, env, file, yaml, aws, gcp, azure",
        "the configuration is in order",
    ] == done.stdout.splitlines()


def test_what_was_read_is_shown(command: Command, named: Path) -> None:
    """The sources that were read are shown, and the chain of every profile."""
    named.write_text('providers = ["yaml", "env"]\n[profile.lab]\nproviders = ["env"]')
    done = command("check", LAMINI_CREDS_CONFIG=str(named), LAMINI_CREDS_PROFILE="lab")

    assert [
        f"read: the environment, {named}",
        "profile lab (ambient): explicit, env",
        "the configuration is in order",
    ] == done.stdout.splitlines()


def test_every_mistake_of_a_file_is_told(command: Command, named: Path) -> None:
    """One mistake hides no other: each is told with file, table and option."""
    named.write_text("""
        htttp = "any"
        deadline = "soon"
        providers = ["env", "yaml", "yaml"]
        [provider.yaml]
        permissions = "loose"
        pth = "/a"
        [provider.wonder]
        a = 1
        [profile.staging]
        continue_on = ["never"]
        deadline = 3
        [profile."-"]
        continue_on = []
    """)
    done = command("check", LAMINI_CREDS_CONFIG=str(named))

    assert 2 == done.exit_code
    assert {
        f"{named}: htttp: the configuration has no option 'htttp'",
        f"{named}: deadline: has the wrong type or value",
        f"{named}: providers: names 'yaml' twice",
        f"{named}: [provider.yaml] permissions: has the wrong type or value",
        f"{named}: [provider.yaml] pth: yaml has no option 'pth'",
        f"{named}: [provider.wonder] a: there is no entry 'wonder' in the chain",
        f"{named}: [profile.staging] continue_on: has the wrong type or value",
        f"{named}: [profile.staging] deadline: [profile.staging] has no option 'deadline'",
        f"{named}: [profile.-]: is not a profile's name",
    } == set(mistakes(done))


def test_mistakes_of_all_layers_are_told(command: Command, named: Path, home: Path) -> None:
    """Mistakes in variables, in the named file and in the user's file are told together, nearest first or last."""
    user = home / "lamini_creds" / "config.toml"
    user.parent.mkdir()
    user.write_text("not toml")
    environ = {"LAMINI_CREDS_HTPP": "any", "LAMINI_CREDS__YAML__PTH": "/a", "LAMINI_CREDS__WONDER__A": "1"}
    done = command("check", LAMINI_CREDS_CONFIG=str(named), XDG_CONFIG_HOME=str(home), **environ)

    assert {
        f"{named}: there is no such file",
        f"{user}: line 1, column 5: this is not TOML",
        "LAMINI_CREDS_HTPP: is no setting",
        "LAMINI_CREDS__YAML__PTH: yaml has no option 'pth'",
        "LAMINI_CREDS__WONDER__A: names no option of an entry of the chain",
    } == set(mistakes(done))


def wrong() -> list[Any]:
    return [
        pytest.param("http = 3", id="type"),
        pytest.param('htttp = "any"', id="unknown"),
        pytest.param("providers = 3", id="providers no list"),
        pytest.param('providers = ["Env"]', id="no name"),
        pytest.param('providers = ["env", "env"]', id="twice"),
        pytest.param("provider = 3", id="provider no table"),
        pytest.param("[provider]\nenv = 3", id="entry no table"),
        pytest.param("[provider.explicit]\nttl = 3", id="explicit"),
        pytest.param("[provider.unheard-of]\na = 1", id="no entry"),
        pytest.param('profile = "a b"', id="profile"),
        pytest.param('profile = "a"\ndefault_profile = "a"', id="profile twice"),
        pytest.param("[profile]\na = 3", id="overlay no table"),
        pytest.param('[profile.a]\nhttp = "any"', id="not for overlays"),
        pytest.param("[profile.a.provider.unheard-of]\na = 1", id="no entry in an overlay"),
        pytest.param('allow_origins = ["nowhere"]', id="origin"),
        pytest.param('[tool.lamini-creds]\nhttp = "any"', id="hyphen"),
        pytest.param("a = ", id="no TOML"),
    ]


@pytest.mark.parametrize("text", wrong())
def test_the_loader_has_the_last_word(text: str, command: Command, named: Path, home: Path) -> None:
    """What the loader refuses is refused in its very words, and once."""
    named.write_text(text)
    error = Resolver.from_file(named, environ={}, home=home).explain().error

    assert isinstance(error, ConfigError)
    assert [f"error: {error}"] == [command("check", LAMINI_CREDS_CONFIG=str(named)).stderr.rstrip()]


def test_two_variables_that_say_the_same(command: Command) -> None:
    """A mistake that only the whole shows is told too."""
    environ = {"LAMINI_CREDS__YAML__PERMISSIONS": "off", "LAMINI_CREDS__YAML__permissions": "off"}

    assert ["LAMINI_CREDS__YAML__permissions: sets the same as LAMINI_CREDS__YAML__PERMISSIONS"] == mistakes(
        command("check", **environ)
    )


def test_an_untrusted_project_is_told_option_by_option(command: Command, project: Path) -> None:
    """Each option that a project file may not set without trust is told."""
    file = project / "pyproject.toml"
    file.write_text("""
        [tool.lamini_creds]
        http = "any"
        providers = ["keeper"]
        [tool.lamini_creds.provider.yaml]
        path = "evil.yaml"
        [tool.lamini_creds.profile.staging]
        providers = ["env"]
    """)
    done = command("check")
    places = [mistake.partition(": this project file")[0] for mistake in mistakes(done)]

    assert 2 == done.exit_code
    assert {
        f"{file}: [tool.lamini_creds] http",
        f"{file}: [tool.lamini_creds] providers",
        f"{file}: [tool.lamini_creds.provider.yaml] path",
        f"{file}: [tool.lamini_creds.profile.staging] providers",
    } == set(places)


def test_a_project_that_reorders_is_in_order(command: Command, project: Path) -> None:
    """A project file that only reorders and drops entries needs no trust."""
    file = project / "pyproject.toml"
    file.write_text('[tool.lamini_creds]\nproviders = ["yaml", "env"]')
    done = command("check")

    assert (0, f"read: {file}") == (done.exit_code, done.stdout.splitlines()[0])


def test_an_order_that_is_overruled_needs_none(command: Command, project: Path) -> None:
    """Where the environment sets the order, a project's does not count, whatever it names."""
    (project / "pyproject.toml").write_text('[tool.lamini_creds]\nproviders = ["yaml:mine"]\n')

    assert [2, 0] == [command("check", **given).exit_code for given in ({}, {"LAMINI_CREDS_PROVIDERS": "env"})]


def test_a_project_without_our_table_is_passed_over(command: Command, project: Path) -> None:
    """A project file that is not ours is not read as ours, and one above it is."""
    (project / "pyproject.toml").write_text('[tool.lamini_creds]\nhttp = "any"')
    inner = project / "inner"
    inner.mkdir()
    (inner / "pyproject.toml").write_text("[tool.ruff]")

    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(inner)
        done = command("check")

    assert [f"{project / 'pyproject.toml'}: [tool.lamini_creds] http"] == [
        mistake.partition(": this")[0] for mistake in mistakes(done)
    ]


def test_no_project_is_searched_where_the_variable_says_so(command: Command, project: Path) -> None:
    """LAMINI_CREDS_NO_PROJECT=1 turns the search off."""
    (project / "pyproject.toml").write_text('[tool.lamini_creds]\nhttp = "any"')

    assert 0 == command("check", LAMINI_CREDS_NO_PROJECT="1").exit_code


def test_an_unknown_provider_is_told_with_its_place(command: Command, named: Path) -> None:
    """A provider that nothing installed offers is told with the file that names it."""
    named.write_text('providers = ["env", "ymal"]')
    done = command("check", LAMINI_CREDS_CONFIG=str(named))

    assert [f"{named}: providers: nothing installed offers a provider 'ymal'"] == mistakes(done)
    assert "did you mean 'yaml'?" in done.stderr


def test_every_overlay_s_chain_is_loaded(command: Command, named: Path) -> None:
    """An unknown provider in one profile's order is told, whatever profile is the ambient one."""
    named.write_text('[profile.staging]\nproviders = ["ymal"]')
    done = command("check", LAMINI_CREDS_CONFIG=str(named))

    assert [f"{named}: [profile.staging] providers: nothing installed offers a provider 'ymal'"] == mistakes(done)


@pytest.fixture
def nothing_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide the plugins that are installed beside the tests."""
    monkeypatch.setattr(_plugins, "installed", tuple)


@pytest.mark.usefixtures("nothing_installed")
def test_a_plugin_that_is_not_installed(command: Command) -> None:
    """A listed entry whose plugin is not installed is a mistake."""
    assert ["LAMINI_CREDS_PROVIDERS: the plugin lamini-creds-azure is not installed"] == mistakes(
        command("check", LAMINI_CREDS_PROVIDERS="env,azure")
    )


@pytest.mark.usefixtures("nothing_installed")
def test_a_plugin_that_may_be_missing(command: Command) -> None:
    """A missing plugin is none where the chain goes on without it."""
    environ = {"LAMINI_CREDS_PROVIDERS": "env,azure", "LAMINI_CREDS_CONTINUE_ON": "unsupported"}

    assert 0 == command("check", **environ).exit_code


def test_a_plugin_that_breaks_is_named(command: Command, install: Install) -> None:
    """A plugin that breaks at import is told with distribution and version."""
    install("keeper", "raise RuntimeError('test-key-1')")

    assert [
        "LAMINI_CREDS_PROVIDERS: the plugin of creds-keeper 1.2 can't be loaded: it raised RuntimeError"
    ] == mistakes(command("check", LAMINI_CREDS_PROVIDERS="keeper"))


def test_every_mistake_of_a_plugin_s_options_is_told(command: Command, install: Install, named: Path) -> None:
    """Options of plugins are checked by name and type, each."""
    install("keeper", PLUGIN)
    named.write_text('providers = ["keeper"]\n[provider.keeper]\nsise = 1\nsize = "x"\nttl = "y"\nsecret = "a"')

    assert {
        f"{named}: [provider.keeper] sise: keeper has no option 'sise'",
        f"{named}: [provider.keeper] size: has the wrong type or value",
        f"{named}: [provider.keeper] ttl: has the wrong type or value",
    } == set(mistakes(command("check", LAMINI_CREDS_CONFIG=str(named))))


def test_an_option_that_is_needed(command: Command, install: Install) -> None:
    """An option without a default that nobody set is told."""
    install("keeper", PLUGIN)

    assert ["LAMINI_CREDS_PROVIDERS: keeper needs the option 'secret'"] == mistakes(
        command("check", LAMINI_CREDS_PROVIDERS="keeper")
    )


def test_nobody_is_asked(command: Command, install: Install, site: Path) -> None:
    """The provider's class is made, and not asked."""
    install("keeper", PLUGIN)
    done = command("check", LAMINI_CREDS_PROVIDERS="keeper", LAMINI_CREDS__KEEPER__SECRET="a")

    assert (0, False) == (done.exit_code, (site / "asked").exists())


def test_observers_are_checked(command: Command) -> None:
    """An observer that nothing installed offers is told."""
    assert ["observers: watcher: nothing installed offers a provider 'watcher'"] == mistakes(
        command("check", LAMINI_CREDS_OBSERVERS="watcher")
    )


def test_a_file_of_yaml_that_is_left_out_is_checked(command: Command, named: Path) -> None:
    """An entry that the order leaves out still gives URLs, so its options are checked."""
    named.write_text('providers = ["env"]\n[provider.yaml]\npth = "/a"')

    assert [f"{named}: [provider.yaml] pth: yaml has no option 'pth'"] == mistakes(
        command("check", LAMINI_CREDS_CONFIG=str(named))
    )


def test_warnings_change_no_status(command: Command) -> None:
    """What works but should be mended is told, and is no mistake."""
    done = command("check", LLAMA_ENVIRONMENT="staging")

    assert 0 == done.exit_code
    assert done.stderr.startswith("warning: LLAMA_ENVIRONMENT is neither LOCAL nor STAGING")


@pytest.mark.parametrize("option", ["http", "deadline", "providers", "observers", "allow_origins", "key", "provider"])
@pytest.mark.parametrize(
    "value", [f'"{CANARY}"', f'["{CANARY}!"]', f'{{yaml = "{CANARY}"}}'], ids=["text", "list", "table"]
)
def test_a_misplaced_key_is_not_shown(option: str, value: str, command: Command, named: Path) -> None:
    """A key that was written where a setting belongs stands in no output."""
    named.write_text(f"{option} = {value}")
    done = command("check", LAMINI_CREDS_CONFIG=str(named), LAMINI_API_KEY=CANARY)

    assert 2 == done.exit_code
    assert CANARY not in done.output
