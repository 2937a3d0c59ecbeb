"""The configuration as values."""

from __future__ import annotations

import pytest

from lamini_creds._settings import DEFAULT_ORDER, Layer, Section, Setting, Settings, subtable


def layer(
    providers: list[str] | None = None, *, entries: tuple[str, ...] = (), source: str = "file", project: bool = False
) -> Layer:
    top = {} if providers is None else {"providers": Setting(providers, source)}
    tables = {label: {"option": Setting("x", source)} for label in entries}
    return Layer(source, Section(top, tables), {}, project)


def test_a_setting_prints_without_its_value() -> None:
    """A setting may hold a misplaced key."""
    assert "<Setting from /x.toml>" == repr(Setting("test-key", "/x.toml", "table"))


@pytest.mark.parametrize(
    ("setting", "place"),
    [
        (Setting(1, "/x.toml"), "/x.toml: option"),
        (Setting(1, "/x.toml", "a.b"), "/x.toml: [a.b] option"),
        (Setting(1, "/x.toml", name="other"), "/x.toml: other"),
        (Setting("1", "VARIABLE", text=True), "VARIABLE"),
        (Setting("1", "/x.toml", name="\x1b[2J"), "/x.toml: \\x1b[2J"),
    ],
    ids=["file", "table", "spelled otherwise", "variable", "control characters"],
)
def test_the_place_of_a_setting(setting: Setting, place: str) -> None:
    """A place names file, table and option, or the variable, and can't forge a message."""
    assert place == setting.place("option")


def test_a_typed_setting_keeps_its_origin() -> None:
    """Only the value changes when a setting is read as its type."""
    typed = Setting("5", "VARIABLE", text=True, name="profile").typed(5)

    assert (5, "VARIABLE", True, "profile") == (typed.value, typed.source, typed.text, typed.name)


@pytest.mark.parametrize(
    ("names", "written"),
    [(("provider", "yaml"), "tool.provider.yaml"), (("a.b", "c:d"), 'tool."a.b"."c:d"')],
    ids=["bare", "quoted"],
)
def test_a_tables_name_is_written_as_toml(names: tuple[str, ...], written: str) -> None:
    """A part that TOML would not take bare is quoted."""
    assert written == subtable("tool", *names)


def test_the_default_order() -> None:
    """Where nobody orders, the default order counts; explicit is not part of it, being first always."""
    assert DEFAULT_ORDER[1:] == Settings().order("production")


def test_explicit_is_not_in_an_order() -> None:
    """Naming `explicit` anywhere in the order changes nothing."""
    assert ("env", "yaml") == Settings((layer(["env", "explicit", "yaml"]),)).order("production")


def test_a_layer_tells_every_label() -> None:
    """A label is named by an order or by a table."""
    assert {"env", "aws:eu"} == layer(["env"], entries=("aws:eu",)).labels()


@pytest.mark.parametrize(
    ("layers", "label", "listed"),
    [((), "aws", False), ((layer(["aws"]),), "aws", True), ((layer(entries=("aws",)),), "aws", True)],
    ids=["default", "in an order", "has options"],
)
def test_an_entry_is_listed(layers: tuple[Layer, ...], label: str, listed: bool) -> None:  # a column
    """An entry counts as named if somebody orders, or sets an option of it."""
    assert listed == Settings(layers).listed(label, "production")


@pytest.mark.parametrize(
    ("layers", "places"),
    [
        ((), ("env", "file", "yaml")),
        ((layer(["yaml", "env"]),), ("env", "file", "yaml")),
        ((layer(["aws"]),), ("env", "file", "yaml")),
        ((layer(["yaml:b", "yaml:a"]),), ("env", "file", "yaml:b", "yaml:a", "yaml")),
        ((layer(["yaml", "yaml:a", "file:x"]),), ("env", "file:x", "file", "yaml", "yaml:a")),
        ((layer(["env"], project=True), layer(["yaml:a", "env"])), ("env", "file", "yaml:a", "yaml")),
        ((layer(["yaml:b", "yaml:a"], project=True), layer(["yaml:a", "yaml:b"])), ("env", "file", "yaml:a", "yaml:b", "yaml")),
    ],
    ids=["default", "reordered", "omitted", "labels", "labels and names", "dropped by a project", "put first by one"],
)  # fmt: skip
def test_where_a_url_is_looked_for(layers: tuple[Layer, ...], places: tuple[str, ...]) -> None:
    """Env, then file, then yaml, each in the trusted order; an untrusted one takes none away and moves none."""
    assert places == Settings(layers).url_places("production")
