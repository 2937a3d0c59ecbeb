"""The tables: escaped and complete, drawn or plain."""

from __future__ import annotations

import re
from contextlib import redirect_stdout
from io import StringIO
from typing import TYPE_CHECKING

import pytest

from lamini_creds.cli import _output

if TYPE_CHECKING:
    from collections.abc import Callable


class Terminal(StringIO):
    """A standard output that a person reads."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def draw(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], str]:
    """Draw a table of one cell on a terminal of 60 columns."""
    pytest.importorskip("rich")
    for name, value in {"TERM": "xterm", "COLUMNS": "60", "NO_COLOR": "1"}.items():
        monkeypatch.setenv(name, value)

    def drawn(cell: str) -> str:
        with redirect_stdout(Terminal()) as terminal:
            _output.table(("a",), [(cell,)])
        return terminal.getvalue()

    return drawn


def test_plain_columns_are_aligned(capsys: pytest.CaptureFixture[str]) -> None:
    """Each column is as wide as its widest cell, and no line ends in blanks."""
    _output.table(("a", "b"), [("long", "x"), ("", "")])

    assert "a     b\nlong  x\n\n" == capsys.readouterr().out


def test_a_table_without_rows(capsys: pytest.CaptureFixture[str]) -> None:
    """A table of no rows is its headers."""
    _output.table(("a", "b"), [])

    assert "a  b\n" == capsys.readouterr().out


def test_drawn_cells_are_no_markup(draw: Callable[[str], str]) -> None:
    """What looks like rich's markup is printed as it is."""
    assert "[bold]x[/bold] :smile:" in draw("[bold]x[/bold] :smile:")


def test_drawn_cells_are_escaped(draw: Callable[[str], str]) -> None:
    """A name from outside brings no command for the terminal into a drawn table."""
    assert r"x\x1b[2Jy" in draw("x\x1b[2Jy")


def test_drawn_cells_are_never_cut(draw: Callable[[str], str]) -> None:
    """A path wider than the terminal is folded, and no part of it is lost."""
    assert "/path" * 30 in re.sub(r"[^/path]", "", draw("/path" * 30))


def test_an_error_can_t_forge_another(capsys: pytest.CaptureFixture[str]) -> None:
    """Every line of a message but the first is indented, and control characters are escaped."""
    _output.warning("one\nerror: two\r\x1b[A")

    assert "warning: one\n  error: two\\r\\x1b[A\n" == capsys.readouterr().err
