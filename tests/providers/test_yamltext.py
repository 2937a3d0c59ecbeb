"""The text of a YAML file gives one profile's key and URL as they are written, or one clear problem."""

from __future__ import annotations

import importlib.util
import json
import re
import sys
from typing import TYPE_CHECKING

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lamini_creds._outcome import Problem
from lamini_creds.providers import _yamltext

if TYPE_CHECKING:
    from collections.abc import Callable

    Fields = Callable[[bytes, str], _yamltext.Fields | Problem]

KEY, URL = "test-key-1", "https://lamini.example.com"
PROBLEM = re.compile(
    r"(line \d+(, column \d+)?: )?"
    r"(this is not YAML( text)?|this is not UTF-8|the file is empty|the top of the file is not a mapping"
    r"|the profile holds no mapping|a second document starts|nesting is deeper than 50"
    r"|aliases and lists make more than 100000 nodes|a list or a mapping stands where text belongs"
    r"|a tag stands where plain text belongs|a tab stands where YAML wants blanks)"
)


def _without_libyaml() -> Fields:
    """Load a copy of the module as it is where PyYAML has no C part."""
    spec = importlib.util.spec_from_file_location("_yamltext_in_python", _yamltext.__file__)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    loader = vars(yaml).pop("CSafeLoader")
    try:
        spec.loader.exec_module(module)
    finally:
        vars(yaml)["CSafeLoader"] = loader
    fields: Fields = module.fields
    return fields


PARSERS = (
    {"Python": _without_libyaml(), "C": _yamltext.fields}
    if hasattr(yaml, "CSafeLoader")
    else {"Python": _yamltext.fields}
)


@pytest.fixture(params=PARSERS)
def fields(request: pytest.FixtureRequest) -> Fields:
    return PARSERS[request.param]


def _chain_of_aliases(first: str, rest: str, levels: int) -> str:
    lines = [f"a0: &a0 {first}"]
    lines += [f"a{level}: &a{level} {rest.replace('?', f'*a{level - 1}')}" for level in range(1, levels)]
    return "\n".join([*lines, "production: {key: test-key-1}"])


TAKEN = {
    "nested": (f"production:\n  key: {KEY}\n  url: {URL}\n", KEY, URL),
    "key alone": (f"production: {{key: {KEY}}}", KEY, None),
    "url alone": (f"production: {{url: '{URL}'}}", None, URL),
    "dotted": (f"production.key: {KEY}\nproduction.url: {URL}\n", KEY, URL),
    "dotted beats nested": (f"production.key: {KEY}\nproduction: {{key: test-key-2, url: '{URL}'}}", KEY, URL),
    "dotted null leaves it to nested": (f"production.key:\nproduction: {{key: {KEY}}}", KEY, None),
    "JSON": (json.dumps({"production": {"key": KEY, "url": URL}}), KEY, URL),
    "byte order mark": (f"\ufeffproduction:\n  key: {KEY}\n", KEY, None),
    "CRLF": (f"production:\r\n  key: {KEY}\r\n  url: {URL}\r\n", KEY, URL),
    "document marks": (f"---\nproduction: {{key: {KEY}}}\n...\n", KEY, None),
    "extra keys": (f"model: x\nproduction:\n  key: {KEY}\n  retries: 3\nlist: [1, {{a: b}}]\n", KEY, None),
    "last of duplicate keys": (f"production:\n  key: test-key-2\n  key: {KEY}\n", KEY, None),
    "last of duplicate sections": (f"production: {{key: test-key-2, url: u}}\nproduction: {{key: {KEY}}}", KEY, None),
    "merge": (f"base: &base {{key: {KEY}, url: '{URL}'}}\nproduction:\n  <<: *base\n", KEY, URL),
    "own key beats merged": (f"base: &b {{key: k, url: '{URL}'}}\nproduction: {{key: {KEY}, <<: *b}}", KEY, URL),
    "first of merged list": (f"a: &a {{key: {KEY}}}\nb: &b {{key: k}}\nproduction: {{<<: [*a, *b]}}", KEY, None),
    "last of two merges": (f"a: &a {{key: k}}\nb: &b {{key: {KEY}}}\nproduction: {{<<: *a, <<: *b}}", KEY, None),
    "merge at the top": (f"a: &a {{production: {{key: {KEY}}}}}\n<<: *a\n", KEY, None),
    "merge of itself": (f"production: &p {{<<: *p, key: {KEY}}}", KEY, None),
    "quoted << is a key": ("a: &a {key: k}\nproduction: {'<<': *a}", None, None),
    "alias": (f"base: &base {KEY}\nproduction: {{key: *base}}", KEY, None),
    "alias of the section": (f"base: &base {{key: {KEY}}}\nproduction: *base\n", KEY, None),
    "all digits": ("production: {key: 0123}", "0123", None),
    "exponent": ("production: {key: 12e5}", "12e5", None),
    "5,000 digits": (f"production: {{key: {'7' * 5000}}}", "7" * 5000, None),
    "boolean": ("production: {key: true}", "true", None),
    "date": ("production: {key: 2024-01-01}", "2024-01-01", None),
    "hexadecimal": ("production: {key: 0x1F}", "0x1F", None),
    "explicit str": (f"production: {{key: !!str {KEY}}}", KEY, None),
    "explicit int": ("production: {key: !!int 0123}", "0123", None),
    "quoted": (f"production: {{key: \"{KEY}\", url: '{URL}'}}", KEY, URL),
    "quoted null is text": ("production: {key: 'null'}", "null", None),
    "interpolation is text": ("production: {key: '${VAR}'}", "${VAR}", None),
    "literal block": (f"production:\n  key: |\n    {KEY}\n", f"{KEY}\n", None),
    "folded block": (f"production:\n  key: >-\n    {KEY}\n", KEY, None),
    "null key": (f"production:\n  key:\n  url: {URL}\n", None, URL),
    "tilde": ("production: {key: ~, url: null}", None, None),
    "empty text": ("production: {key: '', url: ' \t'}", None, None),
    "null section": ("production:\n", None, None),
    "empty section": ("production: {}", None, None),
    "other section": (f"staging: {{key: {KEY}}}", None, None),
    "section in another case": (f"Production: {{key: {KEY}}}", None, None),
    "key in another case": (f"production: {{Key: {KEY}, URL: u}}", None, None),
    "number as a key": (f"1: 2\n2: {{a: 3}}\nproduction: {{key: {KEY}}}", KEY, None),
    "list as a key": (f"? [a, b]\n: c\nproduction: {{key: {KEY}}}", KEY, None),
    "null as a key": (f"~: a\nproduction: {{key: {KEY}}}", KEY, None),
    "Python's tuple elsewhere": (f"other: !!python/tuple [1, 2]\nproduction: {{key: {KEY}}}", KEY, None),
    "Python's object elsewhere": (
        f"other: !!python/object/apply:os.system ['exit 1']\nproduction: {{key: {KEY}}}", KEY, None
    ),
    "unknown tag elsewhere": (f"other: !what {{ever: 1}}\nproduction: {{key: {KEY}}}", KEY, None),
    "50 levels": ("a: " + "[" * 49 + "]" * 49 + f"\nproduction: {{key: {KEY}}}", KEY, None),
    "anchors without aliases": (f"a: &a 1\nb: &b 2\nproduction: &p {{key: &k {KEY}}}", KEY, None),
}  # fmt: skip


@pytest.mark.parametrize(("text", "key", "url"), TAKEN.values(), ids=TAKEN.keys())
def test_taken(fields: Fields, text: str, key: str | None, url: str | None) -> None:
    """Key and URL are the text that stands in the file; null and blank are absent."""
    found = fields(text.encode(), "production")

    assert not isinstance(found, Problem)
    assert (key, url) == (found[0].value, found[1].value)


REFUSED = {
    "empty": (b"", "the file is empty"),
    "blank": (b"\n \n", "the file is empty"),
    "comment only": (b"# production:\n", "the file is empty"),
    "document mark only": (b"---\n", "the file is empty"),
    "text at the top": (b"test-key-1", "line 1, column 1: the top of the file is not a mapping"),
    "list at the top": (b"# keys\n- production\n", "line 2, column 1: the top of the file is not a mapping"),
    "text for the section": (b"a: 1\nproduction: test-key-1\n", "line 2, column 13: the profile holds no mapping"),
    "list for the section": (b"production: [test-key-1]\n", "line 1, column 13: the profile holds no mapping"),
    "list for the key": (b"production:\n  key: [a]\n", "line 2, column 8: a list or a mapping stands where text"),
    "mapping for the key": (b"production:\n  key: {a: b}\n", "line 2, column 8: a list or a mapping stands where"),
    "mapping for the URL": (b"production.url: {a: b}\n", "line 1, column 17: a list or a mapping stands where"),
    "braces unquoted": (b"production:\n  key: {test-key-1}\n", "line 2, column 8: a list or a mapping stands"),
    "unknown tag on the key": (b"production:\n  key: !env A\n", "line 2, column 8: a tag stands where"),
    "binary key": (b"production:\n  key: !!binary YQ==\n", "line 2, column 8: a tag stands where"),
    "tab before a key": (b"production:\n\tkey: test-key-1\n", "line 2, column 1: a tab stands"),
    "two documents": (b"production: {key: a}\n---\nproduction: {key: b}\n", "line 2, column 1: a second document"),
    "51 levels": (b"a: " + b"[" * 50 + b"]" * 50, "line 1, column 53: nesting is deeper than 50"),
    "100,000 levels": (b"[" * 100_000, "line 1, column 51: nesting is deeper than 50"),
    "100,000 levels of mappings": (b"{a: " * 100_000, "nesting is deeper than 50"),
    "51 levels of lists in lines": (b"- " * 100_000, "nesting is deeper than 50"),
    "bomb of aliases": (
        _chain_of_aliases("[x, x]", "[?, ?, ?, ?, ?, ?, ?, ?, ?]", 20).encode(), "aliases and lists make more than",
    ),
    "bomb of merges": (
        _chain_of_aliases("{x: y}", "{<<: [?, ?, ?, ?, ?, ?, ?, ?, ?]}", 20).encode(), "aliases and lists make more",
    ),
    "chain of merges": (_chain_of_aliases("{x: y}", "{<<: ?}", 5000).encode(), "aliases and lists make more than"),
    "very many nodes": (b"a: [" + b"1," * 100_001 + b"]", "aliases and lists make more than 100000 nodes"),
    "alias of nothing": (b"production: {key: *base}\n", "line 1, column 19: this is not YAML"),
    "unclosed quote": (b"production:\n  key: 'test-key-1\n", "this is not YAML"),
    "unclosed brace": (b"production: {key: test-key-1\n", "this is not YAML"),
    "bad indentation": (b"production:\n    key: a\n  url: b\n", "line 3"),
    "key and colon twice": (b"production: key: test-key-1\n", "line 1, column 16: this is not YAML"),
    "5,000 digits of a version": (b"%YAML 1." + b"7" * 5000 + b"\n---\na: b\n", "this is not YAML"),
    "escape beyond Unicode": (b'production:\n  key: "\\UFFFFFFFF"\n', "this is not YAML"),
    "NUL": (b"production:\n  key: test\x00key\n", "line 2: this is not YAML text"),
    "control character": (b"production:\n  key: test\x1bkey\n", "line 2: this is not YAML text"),
    "invalid UTF-8": (b"production:\n  key: test\xffkey\n", "line 2: this is not UTF-8"),
    "Latin-1": ("production:\n  key: schl\u00fcssel\n".encode("latin-1"), "line 2: this is not UTF-8"),
    "UTF-16 without a mark": ("production: {key: a}".encode("utf-16-le"), "this is not YAML text"),
    "broken UTF-16": (b"\xff\xfe" + "production: {key: a}".encode("utf-16-le")[:-1], "this is not UTF-8"),
}  # fmt: skip


@pytest.mark.parametrize(("data", "reason"), REFUSED.values(), ids=REFUSED.keys())
def test_refused(fields: Fields, data: bytes, reason: str) -> None:
    """What is no plain section of a mapping is refused, with line and reason."""
    found = fields(data, "production")

    assert isinstance(found, Problem)
    assert reason in found.reason


def test_utf_16_with_a_byte_order_mark(fields: Fields) -> None:
    """Windows' other way to save text is read."""
    found = fields(f"production: {{key: {KEY}}}".encode("utf-16"), "production")

    assert not isinstance(found, Problem)
    assert found[0].value == KEY


def test_a_tag_runs_nothing(fields: Fields, capfd: pytest.CaptureFixture[str]) -> None:
    """A tag that would call a function calls none."""
    fields(b"production: !!python/object/apply:os.system ['echo called']\n", "production")

    assert capfd.readouterr() == ("", "")


def test_the_value_is_hidden(fields: Fields) -> None:
    """What is given back prints without the key."""
    assert KEY not in repr(fields(f"production: {{key: {KEY}}}".encode(), "production"))


@pytest.mark.parametrize("profile", ["staging", "my-team.eu_1", "123", "true"])
def test_any_profile(fields: Fields, profile: str) -> None:
    """A profile's section is found by its name as it is written."""
    found = fields(f"{profile}:\n  key: {KEY}\n".encode(), profile)

    assert not isinstance(found, Problem)
    assert found[0].value == KEY


def test_deep_in_the_callers_stack(fields: Fields) -> None:
    """A caller near the limit of recursion gets a problem, not a crash."""
    chain = _chain_of_aliases("{x: y}", "{<<: ?}", 200) + "\n<<: *a199\n"

    def descend(levels: int) -> object:
        return descend(levels - 1) if levels else fields(chain.encode(), "staging")

    frame, depth = sys._getframe(), 0
    while frame.f_back is not None:
        frame, depth = frame.f_back, depth + 1
    assert isinstance(descend(sys.getrecursionlimit() - depth - 150), Problem)


MARKUP = st.text(st.sampled_from("production.keyurl: \n\t-[]{},'\"#&*!|><?%@`~\\x0\u2028\ufeff"), max_size=60)
YAML = st.one_of(
    st.binary(max_size=200),
    MARKUP.map(str.encode),
    MARKUP.map(lambda text: b"production:\n  key: " + text.encode()),
    st.text(max_size=60).map(lambda text: b'production: {key: "' + text.encode("utf-8", "surrogatepass") + b'"}'),
)


@given(data=YAML)
@pytest.mark.parametrize("parser", PARSERS)
def test_any_bytes(parser: str, data: bytes) -> None:
    """Whatever the bytes, nothing is raised, and what is said about them is one of our own phrases."""
    found = PARSERS[parser](data, "production")

    assert not isinstance(found, Problem) or PROBLEM.fullmatch(found.reason)
