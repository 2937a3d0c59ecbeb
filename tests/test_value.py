"""Small values: what a frozen dataclass would do, at a fraction of the cost of making one."""

from __future__ import annotations

import copy
import pickle

import pytest

from lamini_creds._value import Value


class Point(Value):
    """A value to look at."""

    x: int
    y: int = 0


class Named(Point):
    """One with a field more."""

    name: str = ""


def test_fields() -> None:
    """Fields are passed by place or by name, and the rest are what the class says."""
    assert [(1, 0), (1, 2), (1, 2)] == [(p.x, p.y) for p in (Point(1), Point(1, 2), Point(y=2, x=1))]


def test_a_subclass_has_the_fields_of_its_base() -> None:
    """Those of the base come first."""
    named = Named(1, 2, "a")

    assert (1, 2, "a") == (named.x, named.y, named.name)


def test_equal() -> None:
    """Values are equal if they are of one class and their fields are equal; equal ones have one hash."""
    assert (True, False, False) == (Point(1) == Point(1, 0), Point(1) == Point(2), Point(1) == Named(1))
    assert hash(Point(1)) == hash(Point(1, 0))


def test_printed() -> None:
    """It prints as it would be made."""
    assert "Point(x=1, y=0)" == repr(Point(1))


@pytest.mark.parametrize("change", ["value.x = 2", "del value.x", "value.z = 3"])
def test_immutable(change: str) -> None:
    """Nothing can be set or deleted."""
    with pytest.raises(AttributeError, match="it is immutable"):
        exec(change, {"value": Point(1)})  # noqa: S102  # the statement is the case


def test_replace() -> None:
    """A changed value is another one."""
    point = Point(1)

    assert (Point(1, 5), Point(1)) == (point.replace(y=5), point)


@pytest.mark.parametrize("given", ["Point()", "Point(1, 2, 3)", "Point(1, z=3)", "Point(y=3)"])
def test_wrong_fields(given: str) -> None:
    """A field that is missing or that there is not is a TypeError."""
    with pytest.raises(TypeError, match="Point takes these: x, y"):
        eval(given, {"Point": Point})  # noqa: S307  # the call is the case


def test_copied_and_pickled() -> None:
    """Copies and what was pickled are equal to the first."""
    point = Named(1, 2, "a")

    assert [point] * 3 == [copy.copy(point), copy.deepcopy(point), pickle.loads(pickle.dumps(point))]  # noqa: S301
