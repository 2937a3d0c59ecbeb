"""What a helper may answer: read by the provider, described by the schema, written by `get`."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

import lamini_creds
from lamini_creds import Resolver, Secret
from lamini_creds._credential import Hidden
from lamini_creds._outcome import Problem
from lamini_creds._protocol import Status, heard, spoken
from lamini_creds.testing import assert_no_leak

SCHEMA = json.loads((Path(lamini_creds.__file__).parent / "providers" / "exec.schema.json").read_text())
CANARY = "test-key-c4n4ry9f8e7d"
FOUND = '{"version": 1, "key": "test-key-1"}'


def read(answer: object) -> Secret | Problem:
    """Read an answer as the provider would."""
    text = answer if isinstance(answer, str) else json.dumps(answer)
    return heard(Hidden(text.encode()), "/bin/helper")


def found(answer: dict[str, Any]) -> Secret:
    """Read an answer that is well-formed, by the schema too."""
    secret = read(answer)

    assert Draft202012Validator(SCHEMA).is_valid(answer)
    assert isinstance(secret, Secret)
    return secret


def test_all_there_is_to_say() -> None:
    """URL, expiry, source and version may stand beside the key; the helper is named before its own source."""
    secret = found(
        {
            "version": 1,
            "key": "test-key-1",
            "url": "https://lamini.example.com",
            "expires_at": "2100-01-31T12:00:00+02:00",
            "source": "safe: lamini",
            "secret_version": "7",
        }
    )

    assert ("test-key-1", "https://lamini.example.com") == (secret.key, secret.url)
    assert ("/bin/helper: safe: lamini", "7") == (secret.source, secret.version)
    assert datetime(2100, 1, 31, 10, tzinfo=UTC) == secret.expires_at


def test_a_key_alone_is_enough() -> None:
    """Version and key are all that an answer needs; the program is then the place."""
    secret = found({"version": 1, "key": "test-key-1"})

    assert ("test-key-1", None, "/bin/helper") == (secret.key, secret.url, secret.source)


def test_null_is_absent() -> None:
    """A member that is null is one that is not there."""
    nothing = dict.fromkeys(("url", "expires_at", "source", "secret_version"))
    secret = found({"version": 1, "key": "test-key-1", **nothing})

    assert (None, None, None) == (secret.url, secret.expires_at, secret.version)


def test_what_is_written_is_read() -> None:
    """The answer that is made of a credential gives it back."""
    environ = {"LAMINI_API_KEY": "test-key-1", "LAMINI_API_URL": "https://lamini.example.com"}
    secret = found(spoken(Resolver({}, environ=environ).resolve()))

    assert ("test-key-1", "https://lamini.example.com") == (secret.key, secret.url)
    assert "/bin/helper: env: LAMINI_API_KEY" == secret.source


def test_no_status_of_a_program_that_breaks_means_anything() -> None:
    """1, with which any program that breaks ends, is no status of the protocol, nor are a shell's own."""
    assert {1, 126, 127, 128 + 9, 128 + 15}.isdisjoint(Status)


MALFORMED = {
    "nothing": ("", "answered with nothing"),
    "key alone": (CANARY, "answered with something else than JSON (line 1, column 1)"),
    "cut off": (f'{{"version": 1, "key": "{CANARY}', "answered with something else than JSON (line 1, column 23)"),
    "two": (f"{FOUND}\n{FOUND}", "answered with something else than JSON (line 2, column 1)"),
    "list": (f'["{CANARY}"]', "answered with JSON that is no object"),
    "number too long": ("9" * 5000, "answered with JSON that can't be read: a number too long, or nesting too deep"),
    "nested": ("[" * 30000, "answered with JSON that can't be read: a number too long, or nesting too deep"),
    "no version": ({"key": CANARY}, "does not say that it speaks version 1 of the protocol"),
    "another version": ({"version": 2, "key": CANARY}, "does not say that it speaks version 1 of the protocol"),
    "version as text": ({"version": "1", "key": CANARY}, "does not say that it speaks version 1 of the protocol"),
    "true": ({"version": True, "key": CANARY}, "does not say that it speaks version 1 of the protocol"),
    "no key": ({"version": 1}, "found a key, it says, and gives none"),
    "blank key": ({"version": 1, "key": " \n"}, "found a key, it says, and gives none"),
    "number": ({"version": 1, "key": 5}, "holds something else than text at 'key'"),
    "nested url": ({"version": 1, "key": CANARY, "url": [CANARY]}, "holds something else than text at 'url'"),
    "misspelt": ({"version": 1, "key": CANARY, "urls": "x"}, "has a member that version 1 does not know"),
    "key as a name": ({"version": 1, "key": CANARY, CANARY: "x"}, "has a member that version 1 does not know"),
    "no offset": (
        {"version": 1, "key": CANARY, "expires_at": "2100-01-31T12:00:00"},
        "gives an 'expires_at' that is no RFC 3339 time with an offset",
    ),
    "after the last day": (
        {"version": 1, "key": CANARY, "expires_at": "9999-12-31T23:59:59-23:59"},
        "gives an 'expires_at' that is no RFC 3339 time with an offset",
    ),
    "no time": (
        {"version": 1, "key": CANARY, "expires_at": CANARY},
        "gives an 'expires_at' that is no RFC 3339 time with an offset",
    ),
    "key in the source": (
        {"version": 1, "key": CANARY, "source": f"of {CANARY}"},
        "gives a 'source' with the key in it, or of more than 256 characters",
    ),
    "key in the URL": (
        {"version": 1, "key": CANARY, "url": f"https://a.test/{CANARY}"},
        "gives a 'url' with the key in it",
    ),
    "key in the version": (
        {"version": 1, "key": f" {CANARY}\n", "secret_version": CANARY},
        "gives a 'secret_version' with the key in it, or of more than 256 characters",
    ),
    "long source": (
        {"version": 1, "key": CANARY, "source": "x" * 257},
        "gives a 'source' with the key in it, or of more than 256 characters",
    ),
}


@pytest.mark.parametrize(("answer", "reason"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_answer(answer: object, reason: str) -> None:
    """What is no answer of version 1 is refused for a fixed reason that shows nothing of it."""
    problem = read(answer)

    assert isinstance(problem, Problem)
    assert reason == problem.reason
    assert problem.remedy
    assert_no_leak(CANARY, problem)


def test_bytes_that_are_no_text() -> None:
    """An answer that is not UTF-8 is refused."""
    problem = heard(Hidden(b"\xff"), "/bin/helper")

    assert isinstance(problem, Problem)
    assert "answered with bytes that are no text in UTF-8" == problem.reason


def test_a_short_key_may_be_in_a_name_by_chance() -> None:
    """A key of a few letters, as for a server of one's own, is no reason to refuse a path with these letters."""
    assert "test" == found({"version": 1, "key": "test", "source": "yaml: /home/test/.lamini/configure.yaml"}).key


@pytest.mark.parametrize("answer", [answer for answer, _ in MALFORMED.values() if isinstance(answer, dict)], ids=str)
def test_the_schema_refuses_it_too(answer: dict[str, object]) -> None:
    """The published schema is of one mind with the provider, but for what no schema can say."""
    shown = [answer.get(name) for name in ("source", "secret_version", "expires_at", "url")]
    beyond = any(isinstance(text, str) and CANARY in text for text in shown)
    beyond |= answer.get("expires_at") in ("2100-01-31T12:00:00", "9999-12-31T23:59:59-23:59")

    assert beyond == Draft202012Validator(SCHEMA).is_valid(answer)


def test_the_schema_is_a_schema() -> None:
    """The published schema is valid by its own dialect, and accepts the shortest answer."""
    Draft202012Validator.check_schema(SCHEMA)

    assert Draft202012Validator(SCHEMA).is_valid(json.loads(FOUND))
