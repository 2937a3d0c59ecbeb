"""Names from outside made printable, and near misses."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lamini_creds._text import did_you_mean, printable


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("LAMINI_API_KEY", "LAMINI_API_KEY", id="plain"),
        pytest.param("/home/j\u00fcrgen/b c", "/home/j\u00fcrgen/b c", id="letters-of-any-language"),
        pytest.param("a\nb", "a\\nb", id="newline"),
        pytest.param("\x1b[2J", "\\x1b[2J", id="escape"),
        pytest.param("\x9b2J", "\\x9b2J", id="c1-control"),
        pytest.param("a\u202eb", "a\\u202eb", id="right-to-left-override"),
        pytest.param("a\u200bb", "a\\u200bb", id="zero-width"),
        pytest.param("a\u2028b", "a\\u2028b", id="line-separator"),
        pytest.param("a\udcffb", "a\\udcffb", id="undecodable-byte"),
        pytest.param("\U000e0041", "\\U000e0041", id="tag-character"),
        pytest.param(5, "5", id="number"),
    ],
)
def test_printable(text: object, expected: str) -> None:
    """What could move a cursor or forge a line is escaped, the rest is not."""
    assert expected == printable(text)


@given(st.text())
def test_always_printable(text: str) -> None:
    """Any text comes out printable, encodable, and on one line."""
    told = printable(text)

    assert told.isprintable()
    assert told.encode().decode() == told


@given(st.text())
def test_printable_once_is_enough(text: str) -> None:
    """Escaping what is escaped changes nothing."""
    assert printable(text) == printable(printable(text))


@pytest.mark.parametrize(
    ("name", "known", "expected"),
    [
        pytest.param("tll", ["ttl", "timeout"], "did you mean 'ttl'?", id="near"),
        pytest.param("xyz", ["ttl", "timeout"], "known: timeout, ttl", id="far"),
        pytest.param("xyz", [], "", id="nothing-known"),
    ],
)
def test_did_you_mean(name: str, known: list[str], expected: str) -> None:
    """The nearest name is suggested, or all of them, or nothing."""
    assert expected == did_you_mean(name, iter(known))
