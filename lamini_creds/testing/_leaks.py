"""Look for a key in everything that an object shows of itself."""

from __future__ import annotations

import base64
import copy
import dataclasses
import json
import os
import pickle
import re
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from importlib.util import find_spec
from itertools import accumulate
from types import CodeType, FrameType, ModuleType, TracebackType
from typing import TypeVar
from urllib.parse import quote, quote_plus

import lamini_creds
from lamini_creds._credential import Credential, Hidden, Secret

T = TypeVar("T")

_SHORTEST = 8
_DEEPEST = 2
_MOST_NAMED = 20
_PACKAGE = os.path.join(os.path.dirname(lamini_creds.__file__), "")
_TEXTS = (str, bytes, bytearray, memoryview)
_LEAVES = (type(None), bool, int, float, complex, type, ModuleType, TracebackType, FrameType, CodeType)
_NONE: set[str] = set()
_PLAIN_COLLECTIONS = (dict, list, tuple, set, frozenset)
_MAY_SHOW = ((Credential, "key"), (Secret, "key"), (Hidden, "value"))


def assert_no_leak(canary: str, *objects: object, frames_of: str = "lamini_creds") -> None:
    """
    Check that no object shows a key anywhere but where it belongs.

    Looked at are text and bytes themselves, the items of collections, and of
    all else what it prints as, its attributes, its copies, its pickle, JSON
    and `asdict`. Of an exception: arguments, notes, the whole chain, and the
    tracebacks of the standard library and of rich with the locals of this
    package's frames. The key is looked for as it is and in base64, hex and
    URL encoding. Allowed is the attribute `key` of a Credential or a Secret.

    >>> from lamini_creds import Secret
    >>> assert_no_leak("test-key-123", Secret("test-key-123", source="vault"), "all is well")
    >>> assert_no_leak("test-key-123", {"headers": ["Bearer test-key-123"]})
    Traceback (most recent call last):
        ...
    AssertionError: the key shows in: object 1's item 1's item 1 (as it is)

    Args:
        canary: A key made for the test, of 8 characters or more.
        objects: Results, exceptions, log records, output: whatever might show it.
        frames_of: A module whose frames may not show it either; those of its whole package are meant.

    Raises:
        AssertionError: Names each place where it shows, without the key.
        ValueError: The key is too short to tell it from chance.
    """
    __tracebackhide__ = True
    if len(canary) < _SHORTEST:
        raise ValueError(f"a key of less than {_SHORTEST} characters may be found by chance")
    scan = _Scan(_forms(canary), (_PACKAGE, _home_of(frames_of)))
    for position, looked_at in enumerate(objects, start=1):
        scan.look(looked_at, f"object {position}")
    if scan.found:
        raise AssertionError(f"the key shows in: {'; '.join([*scan.found][:_MOST_NAMED])}")


def _forms(canary: str) -> dict[str, re.Pattern[str]]:
    """Give the ways a key may be written; base64 as it stands at any place of a longer text."""
    data = canary.encode()
    encoded = [base64.b64encode(bytes(before) + data).decode() for before in range(3)]
    base64s = [text[(0, 2, 3)[before] : (before + len(data)) * 8 // 6] for before, text in enumerate(encoded)]
    forms = {
        "as it is": {canary, repr(canary)[1:-1], json.dumps(canary)[1:-1]},
        "in base64": {*base64s, *(text.translate(str.maketrans("+/", "-_")) for text in base64s)},
        "in hex": {data.hex()},
        "URL-encoded": {quote(canary, safe=""), quote_plus(canary), "".join(f"%{byte:02x}" for byte in data)}
        - {canary},
    }
    return {
        form: re.compile("|".join(map(re.escape, texts)), re.IGNORECASE if form in ("in hex", "URL-encoded") else 0)
        for form, texts in forms.items()
    }


class _Scan:
    """One search; `found` says where the key showed."""

    def __init__(self, forms: Mapping[str, re.Pattern[str]], homes: tuple[str, ...]) -> None:
        self._forms = forms
        self._homes = homes
        self._seen: dict[int, object] = {}
        self.found: dict[str, None] = {}

    def look(self, value: object, where: str, depth: int = 0) -> None:
        """Look at a value, its items and, down to a depth, its attributes."""
        if isinstance(value, str):
            self._look_at_text(str.__str__(value), where)
        elif isinstance(value, (bytes, bytearray, memoryview)):
            self._look_at_text(bytes(value).decode("latin-1"), where)
        if isinstance(value, (*_TEXTS, *_LEAVES)) or id(value) in self._seen:
            return
        self._seen[id(value)] = value
        for item, name in _items(value):
            self.look(item, f"{where}'s {name}", depth)
        if type(value) not in _PLAIN_COLLECTIONS:
            self._look_at_object(value, where, depth)

    def _look_at_object(self, value: object, where: str, depth: int) -> None:
        """Look at all that is no text and no collection; what can only be called is not called."""
        if callable(value) and depth:
            self._look_at_text(_quietly(lambda: repr(value), ""), f"{where}'s repr")
            return
        self._look_at_what_it_shows(value, where)
        if isinstance(value, BaseException):
            self._look_at_exception(value, where)
            depth = 0
        if depth < _DEEPEST:
            for name, attribute in self._attributes(value):
                self.look(attribute, f"{where}'s {name}", depth + 1)

    def _look_at_text(self, text: str, where: str) -> None:
        for form, pattern in self._forms.items():
            if pattern.search(text):
                self.found[f"{where} ({form})"] = None

    def _look_at_what_it_shows(self, value: object, where: str) -> None:
        for way, show in _WAYS.items():
            try:
                shown = show(value)
            except Exception:  # noqa: BLE001, S112  # what can't be shown shows nothing
                continue
            self._look_at_text(shown if isinstance(shown, str) else shown.decode("latin-1"), f"{where}'s {way}")

    def _look_at_exception(self, error: BaseException, where: str) -> None:
        self._look_at_text(_formatted(error, self._homes), f"{where}'s traceback with locals")
        for text in _rich_locals(error, self._homes):
            self._look_at_text(text, f"{where}'s rich traceback with locals")
        chained: dict[str, object] = {"__cause__": error.__cause__, "__context__": error.__context__}
        if isinstance(error, BaseExceptionGroup):
            chained["exceptions"] = error.exceptions
        for name, value in chained.items():
            self.look(value, f"{where}'s {name}")

    def _attributes(self, value: object) -> Iterator[tuple[str, object]]:
        hidden = {name for kind, name in _MAY_SHOW if isinstance(value, kind)}
        names = _quietly(lambda: {*dir(value)}, _NONE) | _quietly(lambda: {*vars(value)}, _NONE)
        for name in sorted(names - hidden):
            self._look_at_text(name, "the name of an attribute")
            shows = any(pattern.search(name) for pattern in self._forms.values())
            yield "attribute" if shows else name, _quietly(partial(getattr, value, name), None)


def _items(value: object) -> Iterator[tuple[object, str]]:
    """Give the keys and values of a mapping, or the items of a collection."""
    if isinstance(value, Mapping):
        for position, name in enumerate([*value], start=1):
            yield name, f"name {position}"
            yield value[name], f"item {position}"
    elif isinstance(value, (list, tuple, set, frozenset)):
        for position, item in enumerate([*value], start=1):
            yield item, f"item {position}"


def _copied(value: object) -> str:
    return f"{copy.copy(value)!r} {copy.deepcopy(value)!r}"


def _as_dict(value: object) -> str:
    return repr(dataclasses.asdict(value)) if dataclasses.is_dataclass(value) and not isinstance(value, type) else ""


_WAYS: dict[str, Callable[[object], str | bytes]] = {
    "repr": repr,
    "str": str,
    "format": lambda value: f"{value}",
    "%r": lambda value: "%r" % (value,),  # noqa: UP031  # a way to print like any other
    "copy": _copied,
    "JSON": json.dumps,
    "pickle": pickle.dumps,
    "asdict": _as_dict,
}


def _quietly(get: Callable[[], T], default: T) -> T:
    try:
        return get()
    except Exception:  # noqa: BLE001  # an attribute that raises shows nothing
        return default


def _home_of(module: str) -> str:
    """Give where a module's package lies: its folder, or the one file that it is; what has no file is passed by."""
    for name in accumulate(module.split("."), lambda whole, part: f"{whole}.{part}"):
        file = getattr(sys.modules[name], "__file__", None)
        if file:
            file = os.path.abspath(file)
            return os.path.join(os.path.dirname(file), "") if hasattr(sys.modules[name], "__path__") else file
    return _PACKAGE


def _formatted(error: BaseException, homes: tuple[str, ...]) -> str:
    """Format the exception alone, with the locals of the frames that are looked at."""
    told = traceback.TracebackException(type(error), error, error.__traceback__, capture_locals=True)
    told.stack = traceback.StackSummary.from_list([frame for frame in told.stack if _lies_in(frame.filename, homes)])
    return "".join(told.format(chain=False))


def _rich_locals(error: BaseException, homes: tuple[str, ...]) -> Iterator[str]:
    """Give what rich would show as locals of those frames, and of the exception itself."""
    if find_spec("rich") is None:
        return
    from rich.traceback import Traceback

    trace = Traceback.extract(
        type(error), error, error.__traceback__, show_locals=True, locals_max_length=10_000, locals_max_string=10**6
    )
    for stack in trace.stacks[:1]:
        yield f"{stack.exc_type}: {stack.exc_value}"
        for frame in stack.frames:
            if _lies_in(frame.filename, homes):
                yield "\n".join(f"{name} = {value}" for name, value in (frame.locals or {}).items())


def _lies_in(filename: str, homes: tuple[str, ...]) -> bool:
    return os.path.abspath(filename).startswith(homes)
