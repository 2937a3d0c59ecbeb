"""The text of a secret: what is key and URL in it, and what is neither."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from lamini_creds import ProviderInvalid, Secret, parse_payload
from lamini_creds.testing import assert_no_leak

KEY = "test-key-payload-1"
OTHER = "test-key-payload-2"
URL = "https://lamini.example.com"
PLACE = "secret 'lamini'"
UNREADABLE = "is JSON that can't be read: a number too long, or nesting too deep"


def _parsed(data: object, **options: Any) -> Secret:
    text = data if isinstance(data, str | bytes) else json.dumps(data)
    return parse_payload(text, **{"profile": "staging", "source": PLACE, **options})


def _refused(data: object, **options: Any) -> ProviderInvalid:
    with pytest.raises(ProviderInvalid) as raised:
        _parsed(data, **options)
    assert_no_leak(KEY, raised.value)
    return raised.value


@pytest.mark.parametrize("data", [KEY, KEY.encode(), f"\ufeff {KEY}\n", b"\xef\xbb\xbf" + KEY.encode()])
def test_the_whole_text(data: str | bytes) -> None:
    """Text that is no JSON object is the key, without blanks and byte order mark, and has no URL."""
    found = _parsed(data)

    assert (KEY, None) == (found.key, found.url)


@pytest.mark.parametrize(
    "document",
    [
        {"key": KEY, "url": URL},
        {"staging": {"key": KEY, "url": URL}},
        {"production": {"key": OTHER, "url": "https://other.example.com"}, "staging": {"key": KEY, "url": URL}},
        {"key": OTHER, "url": "https://other.example.com", "staging": {"key": KEY, "url": URL}},
        {"key": KEY, "url": URL, "staging": "a word"},
    ],
    ids=["top", "nested", "of-two", "before-the-top", "no-section"],
)
def test_key_and_url_in_json(document: object) -> None:
    """The profile's section comes before the top."""
    found = _parsed(document)

    assert (KEY, URL) == (found.key, found.url)


def test_a_profile_named_like_a_field() -> None:
    """A profile called `key` has a section only where an object stands."""
    assert KEY == _parsed({"key": KEY}, profile="key").key


def test_a_section_is_taken_whole() -> None:
    """A section without a key does not borrow the one at the top: it would go to another URL."""
    assert "has no '/staging/key'" == _refused({"key": KEY, "staging": {"url": URL}}).reason


@pytest.mark.parametrize("url", [None, "", " "], ids=["null", "empty", "blank"])
def test_no_url(url: str | None) -> None:
    """A URL that is null or blank is none."""
    assert None is _parsed({"key": KEY, "url": url}).url


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({"token": KEY}, "token"),
        ({"token": KEY}, "/token"),
        ({"a/b": {"c~d": KEY}}, "/a~1b/c~0d"),
        ({"keys": [OTHER, KEY]}, "/keys/1"),
        ({"of": {"staging": KEY}}, "/of/{profile}"),
        ([{"token": KEY}], "/0/token"),
    ],
    ids=["name", "pointer", "escaped", "list", "profile", "list-at-the-top"],
)
def test_a_key_field(document: object, pointer: str) -> None:
    """`key_field` is a JSON pointer, or a member's name."""
    assert KEY == _parsed(document, key_field=pointer).key


def test_the_url_beside_a_key_field() -> None:
    """The URL is the one in the object that holds the key."""
    document = {"url": "https://other.example.com", "lamini": {"token": KEY, "url": URL}}

    assert URL == _parsed(document, key_field="/lamini/token").url


def test_a_url_field() -> None:
    """`url_field` may point elsewhere."""
    assert URL == _parsed({"key": KEY, "hosts": {"api": URL}}, url_field="/hosts/api").url


@pytest.mark.parametrize(
    ("url_data", "url_field"),
    [
        (URL, None),
        (json.dumps({"url": URL}), None),
        (json.dumps({"staging": {"url": URL}}), None),
        (f'{{"a": "{URL}"}}', "a"),
    ],
    ids=["text", "json", "nested", "field"],
)
def test_a_second_secret_for_the_url(url_data: str, url_field: str | None) -> None:
    """A second secret holds the URL alone, or JSON with it, and is named as its place."""
    found = _parsed(KEY, url_data=url_data, url_source="secret 'url'", url_field=url_field)

    assert (KEY, URL, "secret 'url'") == (found.key, found.url, found.url_source)


def test_two_urls_are_one_too_many() -> None:
    """A URL beside the key and one in a second secret are refused: which is meant is not ours to guess."""
    error = _refused({"key": KEY, "url": URL}, url_data=URL, url_source="secret 'url'")

    assert "a URL is stored with the key, and so is one in secret 'url'" == error.reason


@pytest.mark.parametrize("data", [{"key": KEY}, [KEY], 17, bytearray(KEY.encode())], ids=repr)
def test_no_text_at_all(data: Any) -> None:
    """A store that answers with something else than text is told so, and nothing of it shows in a frame."""
    with pytest.raises(ProviderInvalid, match=r"^secret 'lamini': holds .* where text belongs") as raised:
        parse_payload(data, profile="staging", source=PLACE)

    assert_no_leak(KEY, raised.value, frames_of="lamini_creds")


def test_a_second_secret_without_a_url() -> None:
    """What is wrong with the second secret is told under its name."""
    assert "secret 'url'" == _refused(KEY, url_data="{}", url_source="secret 'url'").place


def test_version_and_expiry_are_handed_on() -> None:
    """What the store says of version and end comes along."""
    ends = datetime(2030, 1, 1, tzinfo=UTC)
    found = _parsed(KEY, version="7", expires_at=ends)

    assert (PLACE, "7", ends) == (found.source, found.version, found.expires_at)


@pytest.mark.parametrize(
    ("data", "options", "reason"),
    [
        ("", {}, "is empty"),
        (b" \n", {}, "is empty"),
        (f"<html>{KEY}</html>", {}, "starts with '<', as a web page or a placeholder does"),
        (b"\xff\xfe" + KEY.encode(), {}, "holds bytes that are no text in UTF-8"),
        (f'{{"key": "{KEY}', {}, "is not JSON, though it begins like it (line 1, column 9)"),
        (f'{{\n"key" "{KEY}"}}', {}, "is not JSON, though it begins like it (line 2, column 7)"),
        (f'{{"key": "{KEY}", "n": {"9" * 5000}}}', {}, UNREADABLE),
        ("[" * 200_000, {}, UNREADABLE),
        ([KEY], {}, "holds a list where text or an object belongs"),
        ({"token": KEY}, {}, "has no 'key', neither at its top nor under 'staging'"),
        ({"key": [KEY]}, {}, "holds a list at '/key', where text belongs"),
        ({"key": {"value": KEY}}, {}, "holds an object at '/key', where text belongs"),
        ({"key": 17}, {}, "holds a number at '/key', where text belongs"),
        ({"key": True}, {}, "holds true or false at '/key', where text belongs"),
        ({"key": None}, {}, "has no '/key'"),
        ({"key": " "}, {}, "holds nothing but blanks at '/key'"),
        ({"key": KEY, "url": [KEY]}, {}, "holds a list at '/url', where text belongs"),
        ({"key": KEY}, {"url_field": "/host"}, "has no '/host'"),
        ({"key": KEY}, {"key_field": "/token"}, "has no '/token'"),
        ({"key": KEY}, {"key_field": "/key/0"}, "has no '/key/0'"),
        ({"keys": [KEY]}, {"key_field": "/keys/1"}, "has no '/keys/1'"),
        (KEY, {"key_field": "token"}, "is no JSON object, so there is no 'token' in it"),
    ],
    ids=[
        "empty", "blank", "html", "bytes", "truncated", "malformed", "number", "deep", "list", "missing",
        "list-as-key", "object-as-key", "number-as-key", "truth-as-key", "null", "blank-key", "list-as-url",
        "no-url-field", "no-key-field", "into-text", "past-the-end", "field-in-text",
    ],
)  # fmt: skip
def test_what_is_no_key(data: object, options: dict[str, str], reason: str) -> None:
    """Anything else is INVALID with a fixed reason, and shows nothing of the text."""
    error = _refused(data, **options)

    assert (reason, PLACE, True) == (error.reason, error.place, bool(error.remedy))
