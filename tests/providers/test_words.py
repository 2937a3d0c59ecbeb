"""What a program complained of: told in words of ours, and in no others."""

from __future__ import annotations

import pytest

from lamini_creds.providers._words import told
from lamini_creds.testing import assert_no_leak

CANARY = "test-key-c4n4ry9f8e7d"


@pytest.mark.parametrize(
    ("complaint", "words"),
    [
        ("sh: 1: jq: not found", "... not found"),
        ("ssh: Could not resolve hostname keys.lan: Name or service not known",
         "ssh could not resolve hostname ... name or service not known"),
        ("root@keys.lan: Permission denied (publickey,password).", "... permission denied ..."),
        ("first: denied\n\nlast: refused\n\n", "... refused"),
        ("Can't read \"it\"", "can't read it"),
    ],
)  # fmt: skip
def test_the_last_line_in_words_of_ours(complaint: str, words: str) -> None:
    """Of the last line that is not blank the known words are told, dots stand for each run of others."""
    assert words == told(complaint.encode())


@pytest.mark.parametrize(
    "complaint",
    [
        f"denied: {CANARY}",
        f"key={CANARY} is not valid",
        f"Authorization: Bearer {CANARY}",
        f"not found in '{CANARY}'",
        f"{CANARY.upper()} denied",
        "\x1b]0;title\x07denied\x1b[31m",
        CANARY.encode().hex() + " not found",
        "denied " + " ".join(CANARY),
        "not found " + "x" * 10000,
    ],
)
def test_nothing_else_is_told(complaint: str) -> None:
    """Neither a key in any form nor a control character nor a long text gets through."""
    words = told(complaint.encode())

    assert_no_leak(CANARY, words)
    assert CANARY.upper() not in words
    assert words.isprintable()
    assert "xxx" not in words


def test_a_long_complaint_is_cut() -> None:
    """A line of known words without end is told in part."""
    assert 24 == len(told(b"access denied " * 1000).split())


@pytest.mark.parametrize("complaint", [b"", b"\n \n", b"\xff\xfe", CANARY.encode()])
def test_nothing_to_tell(complaint: bytes) -> None:
    """A complaint without a word of ours is not told of at all."""
    assert "" == told(complaint)
