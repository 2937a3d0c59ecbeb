"""The search for leaked keys finds them wherever they hide, and says so without them."""

from __future__ import annotations

import base64
import dataclasses
import json
import logging
import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

import lamini_creds
from lamini_creds import Secret
from lamini_creds._credential import Hidden
from lamini_creds.testing import assert_no_leak

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "test-key?0123>456+789"


@dataclasses.dataclass
class Quiet:
    """Prints without its key, and gives it to `asdict` all the same."""

    key: str = dataclasses.field(default=KEY, repr=False)


class Slots:
    __slots__ = ("hidden",)

    def __init__(self) -> None:
        self.hidden = KEY


class Property:
    @property
    def hidden(self) -> str:
        return KEY


class Pickled:
    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        return str, (KEY,)


class Formatted:
    def __format__(self, _: str) -> str:
        return KEY


class Printed:
    def __str__(self) -> str:
        return KEY


class Copied:
    """Becomes an object that shows the key once it is copied."""

    def __copy__(self) -> Any:
        return [KEY]


class Raising:
    """Can neither be printed nor looked at."""

    def __repr__(self) -> str:
        raise ValueError("no")

    @property
    def broken(self) -> str:
        raise ValueError("no")


class Unequal(str):
    """A text of a class of its own."""

    __slots__ = ()

    def __str__(self) -> str:
        return "another"


def raised(*chain: BaseException) -> BaseException:
    """Raise the last of these from the one before it, and so on."""
    cause: BaseException | None = None
    for error in chain:
        try:
            raise error from cause
        except BaseException as caught:  # it is the value
            cause = caught
    assert cause is not None
    return cause


def while_handling(first: BaseException, second: BaseException) -> BaseException:
    try:
        try:
            raise first
        except BaseException:
            raise second from None
    except BaseException as caught:  # it is the value
        return caught


def noted(error: BaseException, note: str) -> BaseException:
    error.add_note(note)
    return error


def with_attribute(error: BaseException, **attributes: object) -> BaseException:
    vars(error).update(attributes)
    return error


def from_a_frame_of(filename: str) -> BaseException:
    """Raise in a function that seems to stand in this file and has the key in a local."""
    namespace: dict[str, Callable[[str], None]] = {}
    exec(compile("def fail(key):\n    raise ValueError('no')", filename, "exec"), namespace)  # noqa: S102  # our own text
    try:
        namespace["fail"](KEY)
    except ValueError as error:
        return error
    raise AssertionError("it did not fail")


OURS = lamini_creds.__file__.replace("__init__.py", "made_up.py")
MIXED = base64.b64encode(f"user:{KEY}!".encode()).decode()


@pytest.mark.parametrize(
    "shows",
    [
        pytest.param(KEY, id="text"),
        pytest.param(f"Bearer {KEY}.", id="inside-text"),
        pytest.param(KEY.encode(), id="bytes"),
        pytest.param(bytearray(KEY.encode()), id="bytearray"),
        pytest.param(memoryview(KEY.encode()), id="memoryview"),
        pytest.param(Unequal(KEY), id="text-of-a-class-of-its-own"),
        pytest.param(base64.b64encode(KEY.encode()).decode(), id="base64"),
        pytest.param(base64.b64encode(KEY.encode()).decode().rstrip("="), id="base64-without-padding"),
        pytest.param(base64.urlsafe_b64encode(KEY.encode()).decode(), id="base64-urlsafe"),
        pytest.param(MIXED, id="base64-in-the-middle"),
        pytest.param(base64.b64encode(b"ab" + KEY.encode()), id="base64-two-later"),
        pytest.param(KEY.encode().hex(), id="hex"),
        pytest.param(KEY.encode().hex().upper(), id="hex-in-capitals"),
        pytest.param(quote(KEY, safe=""), id="url-encoded"),
        pytest.param(quote(KEY, safe="").lower(), id="url-encoded-in-small-letters"),
        pytest.param("".join(f"%{byte:02X}" for byte in KEY.encode()), id="url-encoded-throughout"),
        pytest.param([KEY], id="list"),
        pytest.param(({KEY},), id="set-in-a-tuple"),
        pytest.param({"a": [{"b": KEY}]}, id="value-deep-inside"),
        pytest.param({KEY: 1}, id="name-in-a-dict"),
        pytest.param(Quiet(), id="asdict"),
        pytest.param([Quiet()], id="asdict-of-an-item"),
        pytest.param(Slots(), id="slot"),
        pytest.param(Property(), id="property"),
        pytest.param(SimpleNamespace(_a=SimpleNamespace(b=KEY)), id="attribute-of-an-attribute"),
        pytest.param(SimpleNamespace(**{KEY: 1}), id="name-of-an-attribute"),
        pytest.param(Pickled(), id="pickle"),
        pytest.param(Formatted(), id="format"),
        pytest.param(Printed(), id="str"),
        pytest.param(Copied(), id="copy"),
        pytest.param(logging.makeLogRecord({"args": (KEY,)}), id="log-record"),
        pytest.param(logging.makeLogRecord({"extra": {"a": KEY}}), id="extra-of-a-log-record"),
        pytest.param(Secret("test-key-another", source=KEY), id="other-attribute-of-a-secret"),
        pytest.param(ValueError("a", KEY), id="argument"),
        pytest.param(ValueError(("a", [KEY])), id="argument-inside"),
        pytest.param(noted(ValueError("a"), KEY), id="note"),
        pytest.param(with_attribute(ValueError("a"), response=[KEY]), id="attribute"),
        pytest.param(json.JSONDecodeError("a", f"{{{KEY}", 1), id="document-of-a-parser"),
        pytest.param(raised(ValueError(KEY), TypeError("a")), id="cause"),
        pytest.param(raised(ValueError(KEY), TypeError("a"), OSError("b")), id="cause-of-the-cause"),
        pytest.param(while_handling(ValueError(KEY), TypeError("a")), id="suppressed-context"),
        pytest.param(ExceptionGroup("a", [ValueError(KEY)]), id="group"),
        pytest.param(from_a_frame_of(OURS), id="local-of-our-frame"),
        pytest.param(raised(from_a_frame_of(OURS), TypeError("a")), id="local-of-the-causes-frame"),
        pytest.param(SimpleNamespace(exception=ValueError(KEY)), id="exception-in-an-attribute"),
    ],
)
def test_found(shows: object) -> None:
    """It is found, and the complaint does not show it again."""
    with pytest.raises(AssertionError, match="the key shows in: object 2") as caught:
        assert_no_leak(KEY, "fine", shows)

    assert_no_leak(KEY, str(caught.value), caught.value.args)


@pytest.mark.parametrize(
    "fine",
    [
        pytest.param("test-key?0123", id="part-of-it"),
        pytest.param(KEY.swapcase(), id="in-other-letters"),
        pytest.param(Secret(KEY, source="vault"), id="key-of-a-secret"),
        pytest.param([Secret(KEY)], id="secret-in-a-list"),
        pytest.param(Hidden(KEY), id="hidden"),
        pytest.param(SimpleNamespace(shout=lambda: KEY), id="what-would-have-to-be-called"),
        pytest.param(from_a_frame_of("/elsewhere/module.py"), id="local-of-a-foreign-frame"),
        pytest.param(Raising(), id="what-can-not-be-looked-at"),
        pytest.param(None, id="none"),
        pytest.param(5, id="number"),
        pytest.param(sys, id="module"),
        pytest.param(ValueError, id="class"),
    ],
)
def test_not_found(fine: object) -> None:
    """What may know it, or does not show it, is fine."""
    assert_no_leak(KEY, fine)


def test_a_package_in_a_namespace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The frames of such a package are looked at wherever the tests run; the namespace itself lies nowhere."""
    package = tmp_path / "acme_of_a_test" / "creds"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    monkeypatch.syspath_prepend(str(tmp_path))
    import_module("acme_of_a_test.creds")

    with pytest.raises(AssertionError, match="traceback with locals"):
        assert_no_leak(KEY, from_a_frame_of(str(package / "store.py")), frames_of="acme_of_a_test.creds")


def test_ring() -> None:
    """What contains itself is looked at once."""
    ring: list[object] = []
    ring.append(ring)

    assert_no_leak(KEY, ring)


@pytest.mark.parametrize("canary", ["", "short", "1234567"])
def test_too_short(canary: str) -> None:
    """A key that may turn up by chance is refused."""
    with pytest.raises(ValueError, match="less than 8 characters"):
        assert_no_leak(canary, "")


@pytest.mark.parametrize(
    ("shows", "place"),
    [
        pytest.param({"a": [KEY]}, "object 1's item 1's item 1 (as it is)", id="item"),
        pytest.param(Slots(), "object 1's hidden (as it is)", id="attribute"),
        pytest.param(KEY.encode().hex(), "object 1 (in hex)", id="form"),
        pytest.param(noted(ValueError("a"), KEY), "object 1's traceback with locals (as it is)", id="traceback"),
        pytest.param(from_a_frame_of(OURS), "object 1's rich traceback with locals (as it is)", id="rich"),
    ],
)
def test_place(shows: object, place: str) -> None:
    """The complaint names the place, and the form in which it shows there."""
    with pytest.raises(AssertionError) as caught:
        assert_no_leak(KEY, shows)

    assert place in str(caught.value)
