"""
What Lamini's own clients do with a set-up, and what we do: the same, or a refusal with a name.

Each row gives its source: a line of LAMINI_COMPAT.md, the notes of what the
published clients were seen to do.
"""

from __future__ import annotations

import itertools
import json
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from lamini_creds import (
    CredentialError,
    CredentialsNotFoundError,
    CredentialWarning,
    PairingError,
    ProviderInvalid,
    Resolver,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

KEY, OTHER = "test-key-1", "test-key-2"
URL, ELSEWHERE = "https://lamini.example.com", "https://other.example.com"
DEFAULT = "https://api.lamini.ai"
NEAR, FAR = ".lamini/configure.yaml", ".powerml/configure_llama.yaml"


@dataclass(frozen=True)
class Case:
    """
    One set-up, and what becomes of it.

    Attributes:
        id: What it is about.
        line: Where LAMINI_COMPAT.md tells of it.
        environ: The environment variables.
        files: The files in the home directory.
        mapping: The config dict passed.
        arguments: `key`, `url` and `profile` passed.
        expected: Key and URL; or the class of the error and words of it.
    """

    id: str
    line: str
    expected: tuple[str, str] | tuple[type[CredentialError], str]
    environ: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    mapping: Mapping[str, object] | None = None
    arguments: Mapping[str, str] = field(default_factory=dict)


def _pair(key: str | None = None, url: str | None = None, profile: str = "production") -> str:
    """Write the text of a home file."""
    return json.dumps({profile: {name: text for name, text in (("key", key), ("url", url)) if text is not None}})


RULES = [
    Case("key argument", "rule 1", (KEY, DEFAULT), arguments={"key": KEY}),
    Case("both arguments", "rule 1", (KEY, URL), arguments={"key": KEY, "url": URL}),
    Case("URL argument with a key of the environment", "rule 1", (KEY, URL), {"LAMINI_API_KEY": KEY}, arguments={"url": URL}),
    Case("argument before everything", "rule 1", (KEY, URL), {"LAMINI_API_KEY": OTHER, "LAMINI_API_URL": ELSEWHERE, "LAMINI__PRODUCTION__KEY": OTHER}, {NEAR: _pair(OTHER, ELSEWHERE)}, arguments={"key": KEY, "url": URL}),
    Case("LAMINI_API_KEY", "rule 2", (KEY, DEFAULT), {"LAMINI_API_KEY": KEY}),
    Case("LAMINI_API_KEY and _URL", "rule 2", (KEY, URL), {"LAMINI_API_KEY": KEY, "LAMINI_API_URL": URL}),
    Case("LAMINI_API_URL alone", "rule 2", (CredentialsNotFoundError, "no provider has a key"), {"LAMINI_API_URL": URL}),
    Case("LAMINI_API_KEY before LAMINI__", "rule 2", (KEY, DEFAULT), {"LAMINI_API_KEY": KEY, "LAMINI__PRODUCTION__KEY": OTHER}),
    Case("LAMINI_API_URL before LAMINI__", "rule 2", (KEY, URL), {"LAMINI_API_KEY": KEY, "LAMINI_API_URL": URL, "LAMINI__PRODUCTION__URL": ELSEWHERE}),
    Case("LAMINI_API_KEY before YAML", "rule 2", (KEY, DEFAULT), {"LAMINI_API_KEY": KEY}, {NEAR: _pair(OTHER)}),
    Case("nested dict", "rule 3", (KEY, URL), mapping={"production": {"key": KEY, "url": URL}}),
    Case("dotted dict", "rule 3", (KEY, URL), mapping={"production.key": KEY, "production.url": URL}),
    Case("dict with a key alone", "rule 3", (KEY, DEFAULT), mapping={"production": {"key": KEY}}),
    Case("dict before LAMINI_API_KEY", "What we do: The documented dict comes first", (KEY, DEFAULT), {"LAMINI_API_KEY": OTHER}, mapping={"production": {"key": KEY}}),
    Case("dict before YAML", "rule 3", (KEY, URL), files={NEAR: _pair(OTHER, ELSEWHERE)}, mapping={"production": {"key": KEY, "url": URL}}),
    Case("dict for staging", "rule 3", (KEY, "https://staging.lamini.ai"), {"LLAMA_ENVIRONMENT": "STAGING"}, mapping={"staging": {"key": KEY}}),
    Case("LAMINI__PRODUCTION__KEY", "rule 4", (KEY, DEFAULT), {"LAMINI__PRODUCTION__KEY": KEY}),
    Case("LAMINI__PRODUCTION__KEY and __URL", "rule 4", (KEY, URL), {"LAMINI__PRODUCTION__KEY": KEY, "LAMINI__PRODUCTION__URL": URL}),
    Case("LAMINI__ before YAML", "rule 4", (KEY, DEFAULT), {"LAMINI__PRODUCTION__KEY": KEY}, {NEAR: _pair(OTHER), FAR: _pair(OTHER)}),
    Case("LAMINI__STAGING__", "rule 4", (KEY, URL), {"LLAMA_ENVIRONMENT": "STAGING", "LAMINI__STAGING__KEY": KEY, "LAMINI__STAGING__URL": URL}),
    Case("LAMINI__ of another section", "rule 4", (CredentialsNotFoundError, "LAMINI_API_KEY"), {"LAMINI__STAGING__KEY": KEY}),
    Case("POWERML__ is not read", "rule 4'", (CredentialsNotFoundError, "POWERML__PRODUCTION__KEY is set"), {"POWERML__PRODUCTION__KEY": KEY}),
    Case("POWERML__ URL is not read", "rule 4'", (KEY, DEFAULT), {"LAMINI_API_KEY": KEY, "POWERML__PRODUCTION__URL": URL}),
    Case("~/.lamini", "rule 5", (KEY, URL), files={NEAR: _pair(KEY, URL)}),
    Case("~/.lamini with a key alone", "rule 5", (KEY, DEFAULT), files={NEAR: _pair(KEY)}),
    Case("~/.lamini before ~/.powerml", "rule 5", (KEY, DEFAULT), files={NEAR: _pair(KEY), FAR: _pair(OTHER)}),
    Case("~/.powerml", "rule 6", (KEY, URL), files={FAR: _pair(KEY, URL)}),
    Case("~/.powerml behind ~/.lamini of another section", "rule 6", (KEY, URL), files={NEAR: _pair(OTHER, ELSEWHERE, "staging"), FAR: _pair(KEY, URL)}),
    Case("key and URL from two files", "rules 5, 6", (KEY, URL), files={NEAR: _pair(KEY), FAR: _pair(url=URL)}),
    Case("default of local", "rule 7", (KEY, "http://localhost:5001"), {"LLAMA_ENVIRONMENT": "LOCAL", "LAMINI_API_KEY": KEY}),
    Case("default of staging", "rule 7", (KEY, "https://staging.lamini.ai"), {"LLAMA_ENVIRONMENT": "STAGING", "LAMINI_API_KEY": KEY}),
    Case("default of production", "rule 7", (KEY, DEFAULT), {"LLAMA_ENVIRONMENT": "PRODUCTION", "LAMINI_API_KEY": KEY}),
    Case("section of local", "line 7: picks the section", (KEY, URL), {"LLAMA_ENVIRONMENT": "LOCAL"}, {NEAR: _pair(KEY, URL, "local")}),
    Case("unset is production", "line 7: unset", (KEY, DEFAULT), {"LLAMA_ENVIRONMENT": ""}, {NEAR: _pair(KEY)}),
    Case("LAMINI_API_KEY goes to staging too", "line 8: does not touch LAMINI_API_KEY", (KEY, URL), {"LLAMA_ENVIRONMENT": "STAGING", "LAMINI_API_KEY": KEY}, {NEAR: _pair(url=URL, profile="staging")}),
    Case("no files", "rules", (CredentialsNotFoundError, "there is no such file")),
    Case("working directory and .env are not read", "line 10: none in the working directory", (CredentialsNotFoundError, ".env is here and is never read")),
]  # fmt: skip

ENVIRON = [
    *(
        Case(f"{name} is read", "env rules: " + rule, (KEY, DEFAULT), {name: KEY})
        for name, rule in {
            "LAMINI__production__key": "rest lower-cased",
            "LAMINI__Production__Key": "rest lower-cased",
            "LAMINI__PRODUCTION__KEY__": "trailing __",
            "LAMINI____PRODUCTION__KEY": "quirks that work",
            "LAMINI__PRODUCTION.KEY": "a literal dot",
        }.items()
    ),
    Case("odd URL", "env rules: quirks that work", (KEY, URL), {"LAMINI_API_KEY": KEY, "LAMINI__production__url": URL}),
    *(
        Case(f"{name} is not read", "env rules: " + rule, (CredentialsNotFoundError, "no provider has a key"), {name: KEY})
        for name, rule in {
            "lamini__PRODUCTION__KEY": "prefix case-sensitive",
            "LAMINI_PRODUCTION_KEY": "separator is two underscores",
            "LAMINI__PRODUCTION_KEY": "separator is two underscores",
            "LAMINI_PRODUCTION__KEY": "separator is two underscores",
            "LAMINI_KEY": "not read",
            "LAMINI_TOKEN": "not read",
            "POWERML_API_KEY": "not read",
            "LAMINI__KEY": "not read",
            "OPENAI_API_KEY": "odd 2: the user's OpenAI key",
        }.items()
    ),
    *(
        Case(f"{name} is not read", "env rules: not read", (KEY, DEFAULT), {"LAMINI_API_KEY": KEY, name: URL})
        for name in ("LAMINI_URL", "LAMINI_BASE_URL", "OPENAI_BASE_URL")
    ),
    Case("empty LAMINI_API_KEY", "env rules: empty = absent", (KEY, DEFAULT), {"LAMINI_API_KEY": ""}, {NEAR: _pair(KEY)}),
    Case("empty LAMINI_API_URL", "env rules: empty = absent", (KEY, URL), {"LAMINI_API_URL": ""}, {NEAR: _pair(KEY, URL)}),
    Case("empty LAMINI__ key", "env rules: sends `Bearer ` there, absent here", (KEY, DEFAULT), {"LAMINI__PRODUCTION__KEY": ""}, {NEAR: _pair(KEY)}),
    Case("empty LAMINI__ URL", "env rules: not absent there, absent here", (KEY, URL), {"LAMINI__PRODUCTION__URL": ""}, {NEAR: _pair(KEY, URL)}),
    Case("near miss is named", "What we do: a near-miss hint", (CredentialsNotFoundError, "LAMINI_KEY is set; the name read is LAMINI_API_KEY"), {"LAMINI_KEY": KEY}),
]  # fmt: skip

YAML = [
    Case(name, "YAML rules: " + rule, (KEY, url), files={NEAR: text})
    for name, rule, text, url in [
        ("dotted", "dotted flat keys", f"production.key: {KEY}\nproduction.url: {URL}\n", URL),
        ("dotted beats nested", "beat nested", f"production: {{key: {OTHER}}}\nproduction.key: {KEY}\n", DEFAULT),
        ("extra keys", "extra keys", f"model: [a]\nproduction: {{key: {KEY}, more: {{a: 1}}}}\n", DEFAULT),
        ("merge", "merge <<", f"base: &b {{key: {KEY}, url: '{URL}'}}\nproduction:\n  <<: *b\n", URL),
        ("flow style", "JSON flow style", _pair(KEY, URL), URL),
        ("BOM", "BOM", f"\ufeffproduction:\n  key: {KEY}\n", DEFAULT),
        ("CRLF", "CRLF", f"production:\r\n  key: {KEY}\r\n  url: {URL}\r\n", URL),
        ("duplicates", "duplicate keys (last wins)", f"production:\n  key: {OTHER}\n  key: {KEY}\n", DEFAULT),
        ("tuple", "a !!python/tuple elsewhere", f"a: !!python/tuple [1]\nproduction: {{key: {KEY}}}", DEFAULT),
    ]
]
YAML += [
    Case("case of the section", "YAML rules: case-sensitive", (CredentialsNotFoundError, "there is no key under"), files={NEAR: _pair(KEY, profile="Production")}),
    Case("case of the key", "YAML rules: case-sensitive", (CredentialsNotFoundError, "there is no key under"), files={NEAR: f"production: {{Key: {KEY}}}"}),
    Case("null section", "YAML rules: production: null falls through", (KEY, DEFAULT), files={NEAR: "production:\n", FAR: _pair(KEY)}),
    Case("empty section", "YAML rules: {} falls through", (KEY, DEFAULT), files={NEAR: "production: {}\n", FAR: _pair(KEY)}),
    Case("unquoted number", "YAML rules: unquoted 12e5", ("12e5", DEFAULT), files={NEAR: "production: {key: 12e5}"}),
    Case("no interpolation", "YAML rules: taken literally; DESIGN 5.7", (ProviderInvalid, "a variable that nothing filled in"), {"VAR": KEY}, {NEAR: "production: {key: '${VAR}'}"}),
    Case("docs' configuration", "rule 6", (KEY, DEFAULT), files={FAR: f'production:\n    key: "{KEY}"\n'}),
    Case("docs' local mode", "URL rules: <URL>:<PORT>", (KEY, "http://localhost:8000"), files={FAR: f'production:\n    key: "{KEY}"\n    url: "localhost:8000"\n'}),
    Case("docs' placeholder", "DESIGN 5.7", (ProviderInvalid, "placeholder in angle brackets"), files={FAR: 'production:\n    key: "<YOUR-KEY-HERE>"\n'}),
]  # fmt: skip

URLS = [
    Case(f"{raw!r}", "URL rules: " + rule, (KEY, text), {"LAMINI_API_KEY": KEY, "LAMINI_API_URL": raw})
    for raw, rule, text in [
        ("localhost:8000", "no scheme never works there", "http://localhost:8000"),
        ("127.0.0.1:8000", "no scheme never works there", "http://127.0.0.1:8000"),
        ("lamini.example.com:8000", "no scheme never works there", "https://lamini.example.com:8000"),
        ("https://lamini.example.com/", "trailing /", "https://lamini.example.com"),
        ("https://lamini.example.com/base", "base paths are kept", "https://lamini.example.com/base"),
        ("https://lamini.example.com/base//", "trailing /", "https://lamini.example.com/base"),
        ("https://lamini.example.com/v1", "/v1 in the url", "https://lamini.example.com/v1"),
        (" https://lamini.example.com", "leading space works", "https://lamini.example.com"),
        ("https://lamini.example.com \n", "trailing space is InvalidURL there", "https://lamini.example.com"),
        ("http://localhost:5001", "plain http to loopback", "http://localhost:5001"),
    ]
]
URLS += [
    Case(f"{raw!r}", "URL rules: " + rule, (ProviderInvalid, words), {"LAMINI_API_KEY": KEY, "LAMINI_API_URL": raw})
    for raw, rule, words in [
        ("h", "MissingSchema", "no scheme and no port"),
        ("lamini.example.com", "no scheme never works there", "no scheme and no port"),
        ("https://user:pw@lamini.example.com", "user:pw@ replaces Bearer with Basic", "user name or password"),
        ("https://lamini.example.com?a=b", "What we do: query", "a query or a fragment"),
        ("https://lamini.example.com#a", "What we do: fragment", "a query or a fragment"),
        ("http://lamini.example.com", "What we do: plain http to a public name", "plain http to a public host"),
        ("ftp://lamini.example.com", "no scheme", "neither http nor https"),
    ]
]

OURS = [
    Case("URL variable against a stored pair", "What we do: another origin", (PairingError, "stored with another URL"), {"LAMINI_API_URL": ELSEWHERE}, {NEAR: _pair(KEY, URL)}),
    Case("url= against a stored pair", "What we do: another origin", (PairingError, "stored with another URL"), files={FAR: _pair(KEY, URL)}, arguments={"url": ELSEWHERE}),
    Case("url= against the environment's pair", "What we do: another origin", (PairingError, "stored with another URL"), {"LAMINI_API_KEY": KEY, "LAMINI_API_URL": URL}, arguments={"url": ELSEWHERE}),
    Case("near file's URL against the far file's pair", "What we do: another origin", (PairingError, "stored with another URL"), files={NEAR: _pair(url=ELSEWHERE), FAR: _pair(KEY, URL)}),
    Case("same origin, other path", "What we do: another origin", (KEY, URL + "/base"), {"LAMINI_API_URL": URL + "/base"}, {NEAR: _pair(KEY, URL)}),
    Case("LAMINI_API_KEY with the YAML's URL", "What we do: key and URL combine", (KEY, URL), {"LAMINI_API_KEY": KEY}, {NEAR: _pair(url=URL)}),
    Case("LAMINI_API_KEY with the URL of the YAML's pair", "What we do: key and URL combine", (KEY, URL), {"LAMINI_API_KEY": KEY}, {FAR: _pair(OTHER, URL)}),
    Case("key= with the YAML's URL", "What we do: key and URL combine", (KEY, URL), files={NEAR: _pair(url=URL)}, arguments={"key": KEY}),
    Case("key= with the environment's URL", "What we do: key and URL combine", (KEY, URL), {"LAMINI_API_URL": URL}, arguments={"key": KEY}),
    Case("dict's key with the YAML's URL", "What we do: key and URL combine", (KEY, URL), files={FAR: _pair(url=URL)}, mapping={"production": {"key": KEY}}),
    Case("blanks around the key", "What we do: after trimming blanks", (KEY, DEFAULT), {"LAMINI_API_KEY": f" {KEY}\t"}),
    Case("blank inside the key", "What we do: a key with blanks inside", (ProviderInvalid, "is a blank"), {"LAMINI_API_KEY": "test key"}),
    Case("newline inside the key", "What we do: control characters", (ProviderInvalid, "is a blank"), {"LAMINI_API_KEY": "test\nkey"}),
    Case("control character in the key", "What we do: control characters", (ProviderInvalid, "control character"), {"LAMINI_API_KEY": "test\x1bkey"}),
    Case("key that is not ASCII", "What we do: non-ASCII", (ProviderInvalid, "not ASCII"), {"LAMINI_API_KEY": "t\u00e9st-key"}),
    Case("blank key hiding a good one", "What we do: a blank key", (KEY, DEFAULT), {"LAMINI_API_KEY": " "}, {NEAR: _pair(KEY)}),
]  # fmt: skip

ODD = [
    *(
        Case(f"{name} beside explicit key and URL", "odd 9: raises even when the key was passed", (KEY, URL), files={NEAR: text, FAR: text}, arguments={"key": KEY, "url": URL})
        for name, text in {"empty file": "", "comment": "# key\n", "list": "- a\n", "broken file": "a: 'b\n"}.items()
    ),
    Case("broken file beside LAMINI_API_KEY and _URL", "odd 9", (KEY, URL), {"LAMINI_API_KEY": KEY, "LAMINI_API_URL": URL}, {NEAR: "a: 'b\n"}),
    Case("broken file beside the dict", "odd 9", (KEY, URL), files={NEAR: "- a\n"}, mapping={"production": {"key": KEY, "url": URL}}),
    Case("broken file that could name the URL", "odd 9; DESIGN 5.2", (ProviderInvalid, NEAR), {"LAMINI_API_KEY": KEY}, {NEAR: "- a\n"}),
    Case("empty file", "odd 9", (ProviderInvalid, "the file is empty"), files={NEAR: "", FAR: _pair(KEY)}),
    Case("comment-only file", "odd 9", (ProviderInvalid, "the file is empty"), files={NEAR: "# key\n"}),
    Case("list", "odd 9", (ProviderInvalid, "the top of the file is not a mapping"), files={NEAR: "- production\n"}),
    Case("malformed", "odd 9", (ProviderInvalid, "this is not YAML"), files={NEAR: "a: 'b\n"}),
    Case("null key above a good one", "odd 10", (KEY, DEFAULT), files={NEAR: "production: {key: null}", FAR: _pair(KEY)}),
    Case("empty key above a good one", "odd 10", (KEY, DEFAULT), files={NEAR: "production: {key: ''}", FAR: _pair(KEY)}),
    Case("null URL above a good one", "odd 10", (KEY, URL), files={NEAR: f"production: {{key: {KEY}, url: }}", FAR: _pair(url=URL)}),
    Case("empty URL above a good one", "odd 10", (KEY, URL), files={NEAR: f"production: {{key: {KEY}, url: ''}}", FAR: _pair(url=URL)}),
    Case("None in the dict above a good one", "odd 10", (KEY, DEFAULT), {"LAMINI_API_KEY": KEY}, mapping={"production": {"key": None}}),
    Case("empty key in the dict", "odd 10; DESIGN 4: blank explicit values are INVALID", (ProviderInvalid, "the key passed is blank"), {"LAMINI_API_KEY": KEY}, mapping={"production": {"key": ""}}),
    Case("all-digit key", "odd 11", ("1234567", DEFAULT), files={NEAR: "production: {key: 1234567}"}),
    Case("octal-looking key", "odd 11: 0123 is 83 there", ("0123", DEFAULT), files={NEAR: "production: {key: 0123}"}),
    Case("boolean-looking key", "odd 11", ("true", DEFAULT), files={NEAR: "production: {key: true}"}),
    Case("date-looking key", "odd 11", ("2024-01-01", DEFAULT), files={NEAR: "production: {key: 2024-01-01}"}),
    Case("key as a block", "odd 12: newline in key", (KEY, DEFAULT), files={NEAR: f"production:\n  key: |\n    {KEY}\n"}),
    Case("key of $(cat file) with CRLF", "odd 12", (KEY, DEFAULT), {"LAMINI_API_KEY": f"{KEY}\r\n"}),
    Case("number as a top-level key", "odd 13: whole file ignored there", (KEY, DEFAULT), files={NEAR: f"1: 2\nproduction: {{key: {KEY}}}"}),
    Case("number over a mapping", "odd 13: raises there", (KEY, DEFAULT), files={NEAR: f"1: {{a: 2}}\nproduction: {{key: {KEY}}}"}),
    Case("OPENAI_API_KEY never stands in", "odd 2", (CredentialsNotFoundError, "no provider has a key"), {"OPENAI_API_KEY": KEY, "LAMINI_API_URL": URL}),
    Case("no key is never Bearer None", "odd 6", (CredentialsNotFoundError, "no provider has a key"), files={NEAR: _pair(url=URL)}),
]  # fmt: skip

CASES = [*RULES, *ENVIRON, *YAML, *URLS, *OURS, *ODD]


def _store(home: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        (home / name).parent.mkdir(exist_ok=True)
        (home / name).write_bytes(text.encode())
        (home / name).chmod(0o600)


@pytest.mark.parametrize("case", CASES, ids=[f"{case.line}: {case.id}" for case in CASES])
def test_case(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: Case) -> None:
    """A set-up that worked gives the same key and URL; what never worked works or says what is wrong."""
    _store(tmp_path, case.files)
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text(f"LAMINI_API_KEY={OTHER}\n")
    (tmp_path / "configure.yaml").write_text(_pair(OTHER, ELSEWHERE))
    (tmp_path / "config.py").write_text("raise SystemExit('odd 15: imported')\n")
    resolver = Resolver({}, environ=case.environ, home=tmp_path)

    resolution = resolver.explain(case.mapping, **case.arguments)  # type: ignore[arg-type]  # they are all text

    if resolution.credential is not None:
        assert case.expected == (resolution.credential.key, resolution.credential.url)
        return
    kind, words = case.expected
    assert kind is type(resolution.error)
    assert words in str(resolution.error)


@pytest.mark.parametrize("value", ["staging", "Local", "STAGE", " STAGING"])
def test_mis_cased_environment(value: str) -> None:
    """Odd 14: a mis-cased LLAMA_ENVIRONMENT is production, as there, and here with a warning."""
    resolver = Resolver({}, environ={"LLAMA_ENVIRONMENT": value, "LAMINI_API_KEY": KEY})

    with pytest.warns(CredentialWarning, match="LLAMA_ENVIRONMENT is neither LOCAL nor STAGING"):
        assert resolver.resolve().url == DEFAULT


@pytest.mark.parametrize("url", ["http://10.0.0.1:8000", "http://lamini.internal", "http://lamini:8000"])
def test_plain_http_to_a_private_host(url: str) -> None:
    """What we do: plain http to a private host works as there, with one warning."""
    resolver = Resolver({}, environ={"LAMINI_API_KEY": KEY, "LAMINI_API_URL": url})

    with pytest.warns(CredentialWarning, match="plain http") as caught:
        assert [url, url] == [resolver.resolve().url, resolver.resolve().url]
    assert len(caught) == 1


def test_each_instance_has_its_own_key() -> None:
    """Odd 5: after A then B, A still sends A's key, and what is passed to one is nobody else's."""
    first, second = (Resolver({}, environ={"LAMINI_API_KEY": key}) for key in (KEY, OTHER))
    second.resolve({"production": {"key": "test-key-3"}})

    assert [KEY, OTHER, KEY] == [first.resolve().key, second.resolve().key, first.resolve().key]


def test_rotation() -> None:
    """Odd 17: LAMINI_API_KEY is read at every call, not once at import."""
    environ = {"LAMINI_API_KEY": KEY}
    resolver = Resolver({}, environ=environ)
    before = resolver.resolve().key
    environ["LAMINI_API_KEY"] = OTHER

    assert [KEY, OTHER] == [before, resolver.resolve().key]


def test_a_directory_for_a_file(tmp_path: Path) -> None:
    """Odd 9: a directory in place of a file raises there even beside explicit arguments; here only where it counts."""
    (tmp_path / NEAR).mkdir(parents=True)
    resolver = Resolver({}, environ={}, home=tmp_path)
    passed = resolver.resolve(key=KEY, url=URL).key

    with pytest.raises(ProviderInvalid, match="is a directory"):
        resolver.resolve()
    assert passed == KEY


def test_a_key_with_a_newline_is_not_echoed() -> None:
    """Odd 12: the text of an error never has the key in it."""
    resolver = Resolver({}, environ={"LAMINI_API_KEY": f"{KEY}\n{OTHER}"})

    with pytest.raises(ProviderInvalid) as raised:
        resolver.resolve()
    assert "test-key" not in f"{raised.value} {raised.value!r}"


PLACES = ("explicit", "flat", "section", NEAR, FAR)
FIELDS = ("key", "url")
DEFAULTS = {"production": DEFAULT, "staging": "https://staging.lamini.ai", "local": "http://localhost:5001"}
SETUPS = [
    dict(zip(PLACES, chosen, strict=True))
    for chosen in itertools.product([(), ("key",), ("url",), ("key", "url")], repeat=len(PLACES))
]
Setup = dict[str, tuple[str, ...]]


def _value(place: str, name: str, *, one_origin: bool) -> str:
    number = PLACES.index(place)
    if name == "key":
        return f"test-key-{number}"
    return f"https://lamini.example.com/{number}" if one_origin else f"https://v{number}.example.com"


def _like_the_real_client(setup: Setup, name: str, *, one_origin: bool) -> str | None:
    """Take each field by itself from the highest place that has it."""
    return next((_value(place, name, one_origin=one_origin) for place in PLACES if name in setup[place]), None)


def _pairs_across_origins(setup: Setup) -> bool:
    """
    Say whether a key that is stored with a URL would go to that of a higher place, of another origin.

    Both kinds of variables are one place, the environment; both forms of
    explicit values are one; each file is one.
    """
    groups = (("explicit",), ("flat", "section"), (NEAR,), (FAR,))
    held = [{name for place in group for name in setup[place]} for group in groups]
    winner = next((number for number, names in enumerate(held) if "key" in names), None)
    return winner is not None and "url" in held[winner] and any("url" in names for names in held[:winner])


def _environ(setup: Setup, profile: str, *, one_origin: bool) -> dict[str, str]:
    environ = {"LLAMA_ENVIRONMENT": profile.upper()} if profile != "production" else {}
    for place, prefix in (("flat", "LAMINI_API_"), ("section", f"LAMINI__{profile.upper()}__")):
        for name in setup[place]:
            environ[prefix + name.upper()] = _value(place, name, one_origin=one_origin)
    return environ


def _homes(path: Path, profile: str, *, one_origin: bool) -> dict[tuple[tuple[str, ...], ...], Path]:
    """Make a home directory for each choice of what the two files hold."""
    homes: dict[tuple[tuple[str, ...], ...], Path] = {}
    choices: list[tuple[str, ...]] = [(), ("key",), ("url",), ("key", "url")]
    for number, held in enumerate(itertools.product(choices, repeat=2)):
        home = path / str(number)
        home.mkdir()
        files = {
            place: json.dumps({profile: {name: _value(place, name, one_origin=one_origin) for name in names}})
            for place, names in zip((NEAR, FAR), held, strict=True)
            if names
        }
        _store(home, files)
        homes[held] = home
    return homes


def _passed(
    form: str, setup: Setup, profile: str, *, one_origin: bool
) -> tuple[dict[str, object] | None, dict[str, str]]:
    """Give the config dict and the arguments of a call."""
    values = {name: _value("explicit", name, one_origin=one_origin) for name in setup["explicit"]}
    if form == "arguments" or not values:
        return None, values
    if form == "dotted":
        return {f"{profile}.{name}": text for name, text in values.items()}, {}
    return {profile: values}, {}


def _setups(form: str) -> Iterator[Setup]:
    """Give all set-ups; for a form of the dict only those that pass something."""
    return (setup for setup in SETUPS if form == "arguments" or setup["explicit"])


@pytest.mark.parametrize("one_origin", [True, False], ids=["one origin", "many origins"])
@pytest.mark.parametrize("profile", DEFAULTS)
@pytest.mark.parametrize("form", ["arguments", "nested", "dotted"])
def test_all_combinations_of_places(tmp_path: Path, form: str, profile: str, *, one_origin: bool) -> None:
    """Whatever the places of key and URL: the pair of the real clients, or the refusal to move a key elsewhere."""
    homes = _homes(tmp_path, profile, one_origin=one_origin)
    for setup in _setups(form):
        key, url = (_like_the_real_client(setup, name, one_origin=one_origin) for name in FIELDS)
        mapping, arguments = _passed(form, setup, profile, one_origin=one_origin)
        environ = _environ(setup, profile, one_origin=one_origin)
        resolver = Resolver({}, environ=environ, home=homes[setup[NEAR], setup[FAR]])

        with warnings.catch_warnings():
            resolution = resolver.explain(mapping, **arguments)  # type: ignore[arg-type]  # they are all text

        if key is None:
            assert isinstance(resolution.error, CredentialsNotFoundError), setup
        elif not one_origin and _pairs_across_origins(setup):
            assert isinstance(resolution.error, PairingError), setup
        else:
            assert resolution.credential is not None, setup
            assert (key, url or DEFAULTS[profile]) == (resolution.credential.key, resolution.credential.url), setup
