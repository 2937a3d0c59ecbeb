"""Editing people's YAML: what is asked for is changed, and every other byte stays."""

from __future__ import annotations

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from lamini_creds import _yamlfile
from lamini_creds._credential import Hidden
from lamini_creds._outcome import Problem
from lamini_creds.testing import assert_no_leak

NEW = "test-key-new"
EDITS: dict[str, tuple[str, str, str]] = {
    "value": (
        "production:\n  key:   old   # mine\n  url: u\n",
        'production:\n  key:   "test-key-new"   # mine\n  url: u\n',
        "production:\n  # mine\n  url: u\n",
    ),
    "comments between": (
        "production:\n  # k\n  key: old\n  # u\n  url: u\n",
        'production:\n  # k\n  key: "test-key-new"\n  # u\n  url: u\n',
        "production:\n  # k\n  # u\n  url: u\n",
    ),
    "the only one": ("production:\n  key: old\n", 'production:\n  key: "test-key-new"\n', "production:\n"),
    "other sections": (
        "a: ~\nproduction:\n  key: old\nstaging:\n      key:  x\nx: True\n\n\n",
        'a: ~\nproduction:\n  key: "test-key-new"\nstaging:\n      key:  x\nx: True\n\n\n',
        "a: ~\nproduction:\nstaging:\n      key:  x\nx: True\n\n\n",
    ),
    "carriage returns": (
        "production:\r\n  key: old\r\n  url: u\r\n",
        'production:\r\n  key: "test-key-new"\r\n  url: u\r\n',
        "production:\r\n  url: u\r\n",
    ),
    "byte order mark": ("\ufeffproduction: {key: old}\n", '\ufeffproduction: {key: "test-key-new"}\n', "\ufeffproduction: {key: null}\n"),
    "duplicates": (
        "production:\n  key: older\n  key: old\n",
        'production:\n  key: older\n  key: "test-key-new"\n',
        "production:\n",
    ),
    "tags elsewhere": (
        "production:\n  key: old\nt: !!python/tuple [1, 2]\n",
        'production:\n  key: "test-key-new"\nt: !!python/tuple [1, 2]\n',
        "production:\nt: !!python/tuple [1, 2]\n",
    ),
    "JSON": (
        '{\n  "production": {\n    "key": "old"\n  }\n}\n',
        '{\n  "production": {\n    "key": "test-key-new"\n  }\n}\n',
        '{\n  "production": {\n    "key": null\n  }\n}\n',
    ),
    "dotted": ("production.key: old # mine\n", 'production.key: "test-key-new" # mine\n', "production: # mine\n"),
    "dotted above nested": (
        "production.key: old\nproduction:\n  key: older\n  url: u\n",
        'production.key: "test-key-new"\nproduction:\n  key: older\n  url: u\n',
        "production:\n  url: u\n",
    ),
    "block scalar": (
        "production:\n  key: |\n    old\n\n  url: u\n",
        'production:\n  key: "test-key-new"\n\n  url: u\n',
        "production:\n\n  url: u\n",
    ),
    "two lines": ("production:\n  key: 'ol\n    d'\n  url: u\n", 'production:\n  key: "test-key-new"\n  url: u\n', "production:\n  url: u\n"),
    "merged": (
        "base: &b\n  key: old\nproduction:\n  <<: *b\n",
        'base: &b\n  key: old\nproduction:\n  key: "test-key-new"\n  <<: *b\n',
        "base: &b\n  key: old\nproduction:\n  key: null\n  <<: *b\n",
    ),
    "documents marked": ("---\nproduction:\n  key: old\n...\n", '---\nproduction:\n  key: "test-key-new"\n...\n', "---\nproduction:\n...\n"),
    "no last newline": ("production:\n  key: old", 'production:\n  key: "test-key-new"', "production:\n"),
}  # fmt: skip
ADDED: dict[str, tuple[str, str]] = {
    "no file": ("", 'production:\n    key: "test-key-new"\n'),
    "comments alone": ("# hello\n", '# hello\nproduction:\n    key: "test-key-new"\n'),
    "another section": ("staging:\n  key: a", 'staging:\n  key: a\nproduction:\n    key: "test-key-new"\n'),
    "indented": ("  a:\n    b: c\n", '  a:\n    b: c\n  production:\n      key: "test-key-new"\n'),
    "a section with a URL": (
        "production: # here\n  # the server\n  url: u\n",
        'production: # here\n  key: "test-key-new"\n  # the server\n  url: u\n',
    ),
    "an empty section": ("production: # here\na: b\n", 'production: # here\n    key: "test-key-new"\na: b\n'),
    "an empty section at the end": ("production:", 'production:\n    key: "test-key-new"\n'),
    "a null": ("production: null\n", 'production: {"key": "test-key-new"}\n'),
    "an empty key": ("production:\n  key:  # here\n", 'production:\n  key: "test-key-new"  # here\n'),
    "braces": ("production: {url: u}\n", 'production: {"key": "test-key-new", url: u}\n'),
    "empty braces": ("{}", '{"production": {"key": "test-key-new"}}'),
    "JSON on lines": (
        '{\n  "production": {\n    "url": "u"\n  }\n}\n',
        '{\n  "production": {\n    "key": "test-key-new",\n    "url": "u"\n  }\n}\n',
    ),
    "a null in JSON": ('{"production": null}', '{"production": {"key": "test-key-new"}}'),
    "nothing in braces": ("{production: , a: b}", '{production: {"key": "test-key-new"} , a: b}'),
}
BY_HAND = {
    "a section that is another": "staging: &s {key: old}\nproduction: *s\n",
    "a key that others refer to": "production:\n  key: &k old\nstaging:\n  key: *k\n",
    "a key that is another": "x: &k old\nproduction:\n  key: *k\n",
    "after the end": "staging:\n  key: a\n...\n",
}
BROKEN = {
    "no YAML": "production: [old\n",
    "a list": "- old\n",
    "two documents": "a: b\n---\nproduction: {key: old}\n",
    "a section that is text": "production: old\n",
    "a key that is a list": "production: {key: [old]}\n",
}


def edited(text: str, *, url: str | None = None, profile: str = "production") -> str | Problem:
    made = _yamlfile.with_key(text.encode(), profile, Hidden(NEW), url)
    return made if isinstance(made, Problem) else made.value.decode()


def taken_out(text: str, profile: str = "production") -> str | Problem | None:
    made = _yamlfile.without_key(text.encode(), profile)
    return made.value.decode() if isinstance(made, Hidden) else made


@pytest.mark.parametrize("what", EDITS)
def test_a_key_is_replaced(what: str) -> None:
    """The key's value changes, and not a byte besides."""
    text, replaced, _ = EDITS[what]

    assert replaced == edited(text)


@pytest.mark.parametrize("what", EDITS)
def test_a_key_is_taken_out(what: str) -> None:
    """The key's line goes, duplicates too; comments and the rest stay."""
    text, _, without = EDITS[what]

    assert without == taken_out(text)


@pytest.mark.parametrize("what", ADDED)
def test_a_key_is_added(what: str) -> None:
    """A key that is not there yet goes to the head of its section, or with a section to the end."""
    text, added = ADDED[what]

    assert added == edited(text)


@pytest.mark.parametrize("what", ADDED)
def test_nothing_is_taken_out_where_no_key_is(what: str) -> None:
    """Without a key there is nothing to change."""
    assert taken_out(ADDED[what][0]) is None


@pytest.mark.parametrize("what", BY_HAND)
def test_what_would_touch_other_parts_is_left_to_people(what: str) -> None:
    """A change that could not be made without another one is refused."""
    made = edited(BY_HAND[what])

    assert isinstance(made, Problem)
    assert made.remedy == "Change the key in it by hand."


@pytest.mark.parametrize("what", BROKEN)
def test_what_can_t_be_read_is_not_written(what: str) -> None:
    """A file that the core refuses is refused with the same words, and not overwritten."""
    problem = _yamlfile.fields(BROKEN[what].encode(), "production")

    assert isinstance(problem, Problem)
    assert (problem, problem) == (edited(BROKEN[what]), taken_out(BROKEN[what]))


def test_what_another_section_takes_over_stays() -> None:
    """A section that is merged into another one is not emptied."""
    text = "production: &p\n  key: old\nstaging:\n  <<: *p\n"

    assert isinstance(taken_out(text), Problem)
    assert text.replace("old", f'"{NEW}"') == edited(text)


def test_the_url_goes_with_the_key() -> None:
    """A URL is stored below the key, or in place of the one that is there."""
    assert [
        'production:\n    key: "test-key-new"\n    url: "https://a.test"\n',
        'production:\n  url: "https://a.test"\n  key: "test-key-new"\n',
        'production:\n  key: "test-key-new"\n  url: "https://a.test" # u\n',
    ] == [
        edited(text, url="https://a.test")
        for text in ("", "production:\n  key: old\n", "production:\n  key: old\n  url: u # u\n")
    ]


@pytest.mark.parametrize("profile", ["true", "No", "1.5", "2024", "eu.west", "null", "y"])
def test_names_that_yaml_takes_for_something_else_are_quoted(profile: str) -> None:
    """A profile's name is a text for every YAML parser."""
    text = edited("", profile=profile)

    assert {profile: {"key": NEW}} == yaml.safe_load(str(text))


def test_the_encoding_stays() -> None:
    """A file in UTF-16 stays one."""
    made = _yamlfile.with_key("production: {key: old}".encode("utf-16"), "production", Hidden(NEW), None)

    assert not isinstance(made, Problem)
    assert made.value.decode("utf-16") == f'production: {{key: "{NEW}"}}'


@pytest.mark.parametrize(
    ("text", "stands"),
    [
        ("production:\n", True),
        ("production.url: u\n", True),
        ("production: {}\n", True),
        ("staging: {}\n", False),
        ("", False),
        ("# production:\n", False),
        ("[", False),
    ],
)
def test_where_a_profile_stands(text: str, stands: bool) -> None:
    """A section counts though it be empty."""
    assert stands == _yamlfile.stands(text.encode(), "production")


def test_the_outcome_shows_nothing() -> None:
    """What is given back prints without the key."""
    made = _yamlfile.with_key(b"production: {key: test-key-older}", "production", Hidden(NEW), None)

    assert_no_leak(NEW, made)
    assert_no_leak("test-key-older", made, _yamlfile.without_key(b"production: [test-key-older", "production"))


values = st.one_of(st.none(), st.text("abc #:'\"\\-\n", max_size=12), st.integers(), st.booleans())
sections = st.dictionaries(
    st.sampled_from(["key", "url", "other", "more"]), st.one_of(st.text("ab -#:", min_size=1), st.none()), max_size=4
)
documents = st.dictionaries(
    st.sampled_from(["production", "staging", "local", "x.key"]), st.one_of(sections, st.none()), min_size=1
)


@settings(max_examples=150, deadline=None)
@given(document=documents, extra=values, flow=st.sampled_from([True, False, None]), indent=st.integers(2, 6))
def test_any_document_keeps_all_the_rest(
    document: dict[str, object], extra: object, flow: bool | None, indent: int
) -> None:
    """Whatever a document holds and however it is laid out, a login and a logout change the key alone."""
    text = yaml.safe_dump(
        {"first": extra, **document, "last": [extra, {"key": extra}]}, default_flow_style=flow, indent=indent
    )
    made = edited(text)
    assert isinstance(made, str)
    before, after = yaml.safe_load(text), yaml.safe_load(made)
    section = before.get("production") or {}
    left = taken_out(made)

    assert {**before, "production": section | {"key": NEW}} == after
    assert isinstance(left, str)
    assert {name: value for name, value in section.items() if name != "key"} == {
        name: value for name, value in (yaml.safe_load(left)["production"] or {}).items() if name != "key"
    }
