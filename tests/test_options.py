"""Options: from a table or from text to the types of a dataclass, and the schema of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Literal

import jsonschema
import msgspec
import pytest

from lamini_creds import ConfigError
from lamini_creds._options import EntryOptions, TopLevel, build, convert, option_types, schema
from lamini_creds._settings import Setting
from lamini_creds.providers import yaml


@dataclass(frozen=True)
class Options:
    """Options as a provider may have them."""

    region: Annotated[str, msgspec.Meta(min_length=1, description="Where.")]
    retries: int = 3
    quick: bool = False
    names: list[str] = field(default_factory=list)
    hidden: str = field(default="", init=False)
    file: Path = Path("a")


class Plain:
    """A provider without options."""


def given(**values: object) -> dict[str, Setting]:
    return {name: Setting(value, "/x.toml", "tool.lamini_creds.provider.demo") for name, value in values.items()}


def test_build() -> None:
    """An options class is made from what is set, and its defaults."""
    assert Options("eu", quick=True) == build(Options, given(region="eu", quick=True), "demo")


def test_a_class_without_options() -> None:
    """A class that is no dataclass takes none."""
    with pytest.raises(ConfigError, match="demo has no option 'region'"):
        build(Plain, given(region="eu"), "demo")


@pytest.mark.parametrize("name", ["regoin", "hidden"])
def test_an_unknown_option(name: str) -> None:
    """An option that does not exist is told with its table; a field that is no argument is none."""
    with pytest.raises(ConfigError) as caught:
        build(Options, given(**{name: "test-key"}), "demo")

    assert (f"/x.toml: [tool.lamini_creds.provider.demo] {name}", False) == (
        caught.value.place,
        "test-key" in str(caught.value),
    )


def test_a_missing_option() -> None:
    """An option without a default must be set, and the table is named as TOML writes it."""
    with pytest.raises(ConfigError, match=r'needs the option \'region\'\n  Set it in \[tool\.\S+provider."a:b"\]'):
        build(Options, {}, "a:b")


ACCEPTED: list[tuple[str, Any, object]] = [
    ("5", float, 5.0),
    ("1e3", float, 1000.0),
    ("-5", int, -5),
    ("true", bool, True),
    ("0", bool, False),
    ("null", str | None, "null"),
    ("5", str | None, "5"),
    ("a, b,,c ", list[str], ["a", "b", "c"]),
    ('["a,b", "c"]', list[str], ["a,b", "c"]),
    (" [1, 2]", list[int], [1, 2]),
    ("1,2", tuple[int, ...], (1, 2)),
    ("a,b", Sequence[str], ["a", "b"]),
    ("a", list[str] | None, ["a"]),
    ("any", Literal["any"] | list[str], "any"),
    ("other", Literal["any"] | list[str], ["other"]),
    ("a,b", Annotated[list[str], msgspec.Meta(min_length=2)], ["a", "b"]),
    ("a,b", str, "a,b"),
    ("~/a b", Path, Path("~/a b")),
    ("a,b", list[Path] | None, [Path("a"), Path("b")]),
    ("[x", str, "[x"),
]


@pytest.mark.parametrize(("text", "annotation", "value"), ACCEPTED, ids=[f"{row[0]}-{row[1]}" for row in ACCEPTED])
def test_text_of_a_variable(text: str, annotation: Any, value: object) -> None:
    """The text of a variable becomes what the option takes; a list is comma-separated, or JSON."""
    assert value == convert("option", Setting(text, "VARIABLE", text=True), annotation)


@pytest.mark.parametrize(
    ("value", "annotation", "path"),
    [
        ("/a", Path, Path("/a")),
        (Path("/a"), Path, Path("/a")),
        (["/a"], tuple[PurePosixPath, ...], (PurePosixPath("/a"),)),
    ],
)
def test_a_path(value: object, annotation: Any, path: object) -> None:
    """The natural type of a file's name is given as text in TOML, as text or as it is in code; it is not expanded."""
    assert path == convert("option", Setting(value, "/x.toml"), annotation)


REFUSED: list[tuple[object, Any, str]] = [
    ("test-key", int, "Expected `int`, got `str`."),
    (5, str, "Expected `str`, got `int`."),
    ("5", int, "Expected `int`, got `str`."),
    (["test-key", 5], list[str], "Item 2: expected `str`, got `int`."),
    ("test-key", Literal["a", "b"], "Expected one of: 'a', 'b'."),
    ("test-key", Literal["a"] | list[str], "Expected one of: 'a', or a list."),
    ("test-key", Annotated[str, msgspec.Meta(max_length=3)], "Expected `str` of length <= 3."),
    (5, Path, "Expected `Path`, got `int`."),
    (["test-key", 5], list[Path], "Item 2: expected `Path`, got `int`."),
    ({"test-key": 5}, dict[str, str], "Expected `str`, got `int`."),
    ("test-key", Callable[[], str], "Expected `Callable`, got `str`."),
    (10**400, float, "See the option's description."),
    ("test-key", lambda: None, "See the option's description."),
]


@pytest.mark.parametrize(("value", "annotation", "told"), REFUSED, ids=[row[2] for row in REFUSED])
def test_a_wrong_value(value: object, annotation: Any, told: str) -> None:
    """What was expected is told, and the value is not."""
    with pytest.raises(ConfigError) as caught:
        convert("option", Setting(value, "/x.toml"), annotation)

    assert ("/x.toml: option", told, False) == (
        caught.value.place,
        caught.value.remedy,
        "test-key" in str(caught.value),
    )


@pytest.mark.parametrize(("text", "annotation"), [("[1, ", list[int]), ("5s", float), ("yes", bool), ("", int)])
def test_wrong_text_of_a_variable(text: str, annotation: Any) -> None:
    """Text that is no such value is refused."""
    with pytest.raises(ConfigError, match="VARIABLE: has the wrong type or value"):
        convert("option", Setting(text, "VARIABLE", text=True), annotation)


def test_a_misplaced_key_is_in_no_context() -> None:
    """The parser's own error, which quotes the value, is not chained."""
    with pytest.raises(ConfigError) as caught:
        convert("option", Setting("test-key", "/x.toml"), Literal["a"])

    assert (None, None) == (caught.value.__cause__, caught.value.__context__)


def test_options_described_under_type_checking() -> None:
    """A module that imports msgspec for annotations alone may leave it out where it runs."""
    assert (["path", "permissions"], False) == (list(option_types(yaml.YamlProvider)), hasattr(yaml, "msgspec"))


@pytest.mark.parametrize(
    ("value", "valid"),
    [
        ({"region": "eu"}, True),
        ({"region": "eu", "retries": 5}, True),
        ({"region": "eu", "file": "b"}, True),
        ({"region": "eu", "file": 5}, False),
        ({"region": ""}, False),
        ({"retries": "5"}, False),
        ({"regoin": "eu"}, False),
        ({"hidden": "x"}, False),
    ],
)
def test_the_schema_is_closed(value: object, valid: bool) -> None:  # a column of the table
    """The JSON Schema takes what `build` takes, and no other name."""
    assert valid == jsonschema.Draft202012Validator(schema(Options)).is_valid(value)


@pytest.mark.parametrize("options", [TopLevel, EntryOptions])
def test_every_option_is_described(options: type) -> None:
    """An editor can show what each option is for."""
    properties = schema(options)["properties"]

    assert [] == [name for name, about in properties.items() if not about.get("description")]


@pytest.mark.parametrize("option", ["ttl", "timeout", "max_stale"])
@pytest.mark.parametrize("value", [float("inf"), float("nan"), -1, 1e300], ids=str)
def test_times_are_finite(option: str, value: float) -> None:
    """A time that no clock could wait for is refused."""
    with pytest.raises(ConfigError, match=rf"\] {option}: has the wrong type or value"):
        build(EntryOptions, given(**{option: value}), "demo")
