"""One layer of settings: each mistake is named by file, table and option, and no value is ever shown."""

from __future__ import annotations

import os
import traceback
from typing import TYPE_CHECKING, Any

import pytest
from support import Disk

import lamini_creds
from lamini_creds import ConfigError, Resolver

if TYPE_CHECKING:
    from pathlib import Path

KEY = "test-key-misplaced-9f2c"
PACKAGE = os.path.dirname(lamini_creds.__file__)


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(tmp_path, monkeypatch)


def mistake(disk: Disk, text: str = "", **environ: str) -> ConfigError:
    """Give the error that the user's file or the environment leads to."""
    disk.write(user=text)
    with pytest.raises(ConfigError) as caught:
        disk.read(**environ)
    return caught.value


WRONG: list[tuple[str, str, str]] = [
    (f'providers = "{KEY}"', "providers", "Expected `array`, got `str`."),
    (f'providers = ["{KEY}", 5]', "providers", "Item 2: expected `str`, got `int`."),
    (f'providers = ["{KEY} x"]', "providers", "item 1 is not an entry's name"),
    ('providers = ["env", "env"]', "providers", "names 'env' twice"),
    ('providers = ["explicit:mine"]', "providers", "item 1 labels 'explicit'"),
    ("profile = 5", "profile", "Expected `str`, got `int`."),
    (f'profile = "{KEY} x"', "profile", "is not a profile's name"),
    ('default_profile = ""', "default_profile", "is not a profile's name"),
    (f'continue_on = "{KEY}"', "continue_on", "Expected `array`, got `str`."),
    (f'continue_on = ["{KEY}"]', "continue_on", "Item 1: expected one of: 'denied', 'unavailable', 'unsupported'."),
    ('continue_on = ["invalid"]', "continue_on", "Item 1: expected one of: 'denied', 'unavailable', 'unsupported'."),
    (f'deadline = "{KEY}"', "deadline", "Expected `float`, got `str`."),
    ("deadline = 0", "deadline", "Expected `float` > 0.0."),
    ("deadline = true", "deadline", "Expected `float`, got `bool`."),
    ("deadline = inf", "deadline", "Expected `float` <= "),
    ("deadline = nan", "deadline", "Expected `float` > 0.0."),
    ("deadline = 2024-01-01", "deadline", "Expected `float`, got `date`."),
    (f'http = "{KEY}"', "http", "Expected one of: 'loopback', 'private', 'any', or a list."),
    ("http = 5", "http", "Expected `str | array`, got `int`."),
    (f'http = ["{KEY}"]', "http", "item 1 is not an origin"),
    ('allow_origins = ["https://a.test", "https://a.test/path"]', "allow_origins", "item 2 is not an origin"),
    ('allow_origins = ["a.test"]', "allow_origins", "item 1 is not an origin"),
    ('allow_origins = ["http://169.254.169.254"]', "allow_origins", "item 1 is not an origin"),
    (f'observers = ["{KEY}", "{KEY} x"]', "observers", "item 2 is not a plugin's name"),
]


@pytest.mark.parametrize(("text", "option", "told"), WRONG, ids=[row[0].replace(KEY, "KEY") for row in WRONG])
def test_a_wrong_value(disk: Disk, text: str, option: str, told: str) -> None:
    """File, option and what was expected are told."""
    error = mistake(disk, text)

    assert (f"{disk.user_file}: {option}", True) == (error.place, told in str(error))


@pytest.mark.parametrize("text", [row[0] for row in WRONG if KEY in row[0]])
def test_a_wrong_value_is_never_shown(disk: Disk, text: str) -> None:
    """A misplaced key is not in the error, nor in the locals of the frames that it passed."""
    shown = traceback.TracebackException.from_exception(mistake(disk, text), capture_locals=True)
    ours = [frame for frame in shown.stack if frame.filename.startswith(PACKAGE)]

    assert [] == [frame.name for frame in ours if KEY in repr(frame.locals)] + ([KEY] if KEY in str(shown) else [])


@pytest.mark.parametrize(
    ("text", "place", "told"),
    [
        ("provders = []", "provders", "did you mean 'providers'?"),
        ("key = 'x'", "key", "has no option 'key'"),
        ("[provider]\nyaml = 5", "[provider.yaml]", "is not a table"),
        ("provider = 5", "provider", "is not a table"),
        ("[profile]\nblue = 5", "[profile.blue]", "is not a table"),
        ("[profile.blue]\nhttp = 'any'", "[profile.blue] http", "has no option 'http'"),
        ("[profile.blue]\nprofile = 'x'", "[profile.blue] profile", "has no option 'profile'"),
        ("[profile.'a b']\nproviders = []", '[profile."a b"]', "is not a profile's name"),
        ("[profile.'a.b']\nhttp = 'any'", '[profile."a.b"] http', "has no option"),
        ("[provider.Yaml]\npath = 'x'", "[provider.Yaml]", "is not an entry's name"),
        ("[provider.ymal]\npath = 'x'", "[provider.ymal] path", "did you mean 'yaml'?"),
        ("[provider.'yaml:x']\npath = 'x'", '[provider."yaml:x"] path', "no entry 'yaml:x' in the chain"),
        ("[provider.explicit]\nkey = 'x'", "[provider.explicit] key", "no entry 'explicit' in the chain"),
        ("[tool]\nother = 1", "tool", "has no option 'tool'"),
    ],
    ids=lambda value: value if "\n" in value or "=" in value else "",
)
def test_what_does_not_exist(disk: Disk, text: str, place: str, told: str) -> None:
    """An unknown name is told with file and table, and the nearest that exists."""
    error = mistake(disk, text)

    assert (f"{disk.user_file}: {place}", True) == (error.place, told in str(error))


def test_a_table_of_a_pyproject_is_named(disk: Disk) -> None:
    """In a pyproject.toml the table is ours below [tool]."""
    disk.write(project="[tool.lamini_creds.profile.blue.provider.'yaml:x']\npth = 1\n")
    with pytest.raises(ConfigError) as caught:
        disk.read(LAMINI_CREDS_CONFIG=str(disk.project_file))

    assert f'{disk.project_file}: [tool.lamini_creds.profile.blue.provider."yaml:x"] pth' == caught.value.place


def test_settings_beside_the_table_are_told(disk: Disk) -> None:
    """In a file of our own, settings stand inside the table or outside, not both."""
    error = mistake(disk, "http = 'any'\n[tool.lamini_creds]\ndeadline = 1\n")

    assert "sets 'http' outside of its table [tool.lamini_creds]" == error.reason


def test_the_users_file_may_have_the_table(disk: Disk) -> None:
    """What the documentation shows for a pyproject.toml works in the user's file."""
    disk.write(user="[tool.lamini_creds]\ndeadline = 2\n")
    found = disk.read().find("deadline", "production")

    assert found
    assert "tool.lamini_creds" == found.table


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("deadline = \n", "line 1, column 12"),
        (f"\n\nhttp = {KEY}\n", "line 3, column 8"),
        ("a = 1\na = 2\n", "line 2, column 6"),
        ("a = " + "9" * 5000, "this is not TOML"),
    ],
    ids=["no value", "no quotes", "twice", "a number without end"],
)
def test_malformed_toml(disk: Disk, text: str, told: str) -> None:
    """Line and column are told, and no excerpt."""
    error = mistake(disk, text)

    assert (str(disk.user_file), True, False) == (error.place, told in error.reason, KEY in str(error))


def test_the_profile_by_two_names(disk: Disk) -> None:
    """`default_profile` stands beside tables of profiles, where TOML has no room for `profile`."""
    disk.write(user="default_profile = 'blue'\n[profile.blue]\nproviders = ['env']\n")
    settings = disk.read()

    assert (("env",), True) == (settings.order("blue"), len(settings.order("green")) > 1)


def test_both_names_at_once_are_refused(disk: Disk) -> None:
    """Which of the two would count is nobody's guess."""
    assert "sets both `profile` and `default_profile`" == mistake(disk, "profile = 'a'\ndefault_profile = 'b'").reason


def test_overlays(disk: Disk) -> None:
    """A profile's table overlays order, options and continue_on; in each layer it goes before the base."""
    disk.write(
        user="continue_on = ['denied']\nproviders = ['env', 'yaml']\n[provider.yaml]\npath = '/base'\n"
        "permissions = 'off'\n[profile.blue]\nproviders = ['yaml']\ncontinue_on = []\n"
        "[profile.blue.provider.yaml]\npath = '/blue'\n",
        site="[profile.blue]\nproviders = ['file']\n",
    )
    settings = disk.read()
    options = {name: setting.value for name, setting in settings.entry("yaml", "blue").items()}
    continue_on = settings.find("continue_on", "blue")

    assert continue_on
    assert (("yaml",), [], {"path": "/blue", "permissions": "off"}) == (
        settings.order("blue"),
        continue_on.value,
        options,
    )


def test_a_nearer_layers_base_goes_before_a_farther_overlay(disk: Disk) -> None:
    """Layers are asked one after the other, each with its overlay and its base."""
    disk.write(user="providers = ['env']", site="[profile.blue]\nproviders = ['file']\n")

    assert ("env",) == disk.read().order("blue")


@pytest.mark.parametrize(
    ("variable", "text", "entry", "option", "value"),
    [
        ("LAMINI_CREDS__YAML__PATH", "/x", "yaml", "path", "/x"),
        ("LAMINI_CREDS__yaml__Path", "/x", "yaml", "path", "/x"),
        ("LAMINI_CREDS__YAML_MINE__PATH", "/x", "yaml:mine", "path", "/x"),
        ("LAMINI_CREDS__YAML_A__B__PATH", "/x", "yaml:a__b", "path", "/x"),
        ("LAMINI_CREDS__NEW_STORE__DEEP__OPTION", "/x", "new-store", "deep__option", "/x"),
    ],
    ids=["plain", "case", "label", "underscores in a label", "underscores in an option"],
)
def test_an_entrys_variable(disk: Disk, variable: str, text: str, entry: str, option: str, value: str) -> None:
    """LAMINI_CREDS__ENTRY__OPTION sets an option; ':' and '-' stand as '_' there."""
    providers = "yaml,yaml:mine,yaml:a__b,new-store"
    options = disk.read(**{variable: text, "LAMINI_CREDS_PROVIDERS": providers}).entry(entry, "production")

    assert [(option, value)] == [(name, setting.value) for name, setting in options.items()]


@pytest.mark.parametrize(
    ("environ", "place", "told"),
    [
        ({"LAMINI_CREDS_PROVIDER": "env"}, "LAMINI_CREDS_PROVIDER", "did you mean 'LAMINI_CREDS_PROVIDERS'?"),
        ({"LAMINI_CREDS_DEFAULT_PROFILE": "x"}, "LAMINI_CREDS_DEFAULT_PROFILE", "did you mean 'LAMINI_CREDS_PROFILE'?"),
        ({"LAMINI_CREDS_NO_PROJECTS": "1"}, "LAMINI_CREDS_NO_PROJECTS", "did you mean 'LAMINI_CREDS_NO_PROJECT'?"),
        ({"LAMINI_CREDS__YMAL__PATH": "x"}, "LAMINI_CREDS__YMAL__PATH", "did you mean 'LAMINI_CREDS__YAML__PATH'?"),
        ({"LAMINI_CREDS__YAML": "x"}, "LAMINI_CREDS__YAML", "names no option of an entry"),
        ({"LAMINI_CREDS__YAML__": "x"}, "LAMINI_CREDS__YAML__", "names no option of an entry"),
        ({"LAMINI_CREDS__EXPLICIT__KEY": KEY}, "LAMINI_CREDS__EXPLICIT__KEY", "names no option of an entry"),
        ({"LAMINI_CREDS__ACME__PATH": KEY}, "LAMINI_CREDS__ACME__PATH", "Name the entry in `providers`; did you mean"),
        ({"LAMINI_CREDS_DEADLINE": KEY}, "LAMINI_CREDS_DEADLINE", "Expected `float`, got `str`."),
        ({"LAMINI_CREDS_PROFILE": "a b"}, "LAMINI_CREDS_PROFILE", "is not a profile's name"),
        ({"LAMINI_CREDS_HTTP": KEY}, "LAMINI_CREDS_HTTP", "item 1 is not an origin"),
        ({"LAMINI_CREDS_CONTINUE_ON": f"denied,{KEY}"}, "LAMINI_CREDS_CONTINUE_ON", "Item 2: expected one of"),
        (
            {"LAMINI_CREDS__YAML__PATH": "x", "LAMINI_CREDS__Yaml__PATH": "y"},
            "LAMINI_CREDS__Yaml__PATH",
            "sets the same as LAMINI_CREDS__YAML__PATH",
        ),
        (
            {"LAMINI_CREDS_PROVIDERS": "yaml:a-b,yaml:a_b", "LAMINI_CREDS__YAML_A_B__PATH": "x"},
            "LAMINI_CREDS__YAML_A_B__PATH",
            "may mean each of yaml:a-b, yaml:a_b",
        ),
    ],
)
def test_a_wrong_variable(disk: Disk, environ: dict[str, str], place: str, told: str) -> None:
    """A variable of ours that sets nothing, two things, or the wrong type is named; its value is not."""
    error = mistake(disk, **environ)

    assert (place, True, False) == (error.place, told in str(error), KEY in str(error))


def test_a_blank_variable_is_absent(disk: Disk) -> None:
    """A blank variable sets nothing."""
    disk.write(user="http = 'any'")
    found = disk.read(LAMINI_CREDS_HTTP="  ", LAMINI_CREDS_NONSENSE="").find("http", "production")

    assert found
    assert "any" == found.value


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        (5, "code: is not a table"),
        ({5: "x"}, "has a name that is not text"),
        ({"provider": {"yaml": {5: "x"}}}, "has a name that is not text"),
        ({"providers": None}, "code: providers: has the wrong type or value"),
        ({"profile": ["x"]}, "code: profile: has the wrong type or value"),
    ],
)
def test_wrong_settings_in_python(settings: Any, told: str) -> None:
    """Settings given in Python are checked like any other."""
    error = Resolver(settings, environ={}).explain().error

    assert told in str(error)


def test_settings_in_python_may_be_tuples() -> None:
    """A tuple is as good as a list."""
    assert "env" == Resolver({"providers": ("env",)}, environ={"LAMINI_API_KEY": "test-key"}).resolve().provider
