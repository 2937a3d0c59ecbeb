"""Prints measurements in a table, beside what each is held against and the goal."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping


class Goal(NamedTuple):
    """
    What a row should reach.

    Attributes:
        limit: The most it may be; the least, where `least` is set.
        than: The row it is a multiple of; empty for the figure itself.
        least: More is better.
    """

    limit: float
    than: str = ""
    least: bool = False


def show(title: str, figures: Mapping[str, float], goals: Mapping[str, Goal]) -> None:
    """Print each figure, those with a goal as a ratio besides, and whether the goal is met."""
    print(f"\n{title}")  # noqa: T201
    for name, figure in figures.items():
        line = f"  {name:<44} {figure:>11,.2f}" if abs(figure) < 100 else f"  {name:<44} {figure:>11,.0f}"
        goal = goals.get(name)
        print(line + (_judged(figure, figures, goal) if goal else ""))  # noqa: T201


def _judged(figure: float, figures: Mapping[str, float], goal: Goal) -> str:
    reached = figure / figures[goal.than] if goal.than else figure
    met = reached >= goal.limit if goal.least else reached <= goal.limit
    ratio = f"{reached:.2f} times {goal.than}; " if goal.than else ""
    return f"   {ratio}goal: at {'least' if goal.least else 'most'} {goal.limit:g}{'' if met else '; MISSED'}"
