"""What the commands print: tables in plain text, or drawn by rich on a terminal; everything from outside escaped."""

from __future__ import annotations

import json
import os
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from lamini_creds._text import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import TextIO

    from lamini_creds.errors import CredentialError

_STYLES = {
    "found": "bold green",
    "denied": "bold red",
    "unavailable": "bold red",
    "unsupported": "bold red",
    "invalid": "bold red",
    "miss": "dim",
}


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """
    Print a table: columns of plain text, or with colours and frames where rich is installed and a person reads.

    Args:
        headers: The columns' names.
        rows: The cells of each row, as many as there are headers.
    """
    cells = [[printable(cell) for cell in row] for row in rows]
    with writing():
        if on_terminal(sys.stdout) and _drawn(headers, cells):
            return
    widths = [max(map(len, column)) for column in zip(headers, *cells, strict=True)]
    for row in (headers, *cells):
        line("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))


def on_terminal(stream: TextIO | None) -> bool:
    """Say whether a person is at the other end; of a stream that was closed when we started, nobody is."""
    return stream is not None and stream.isatty()


def line(text: str = "") -> None:
    """Print one line."""
    with writing():
        click.echo(printable(text).rstrip())


def as_json(value: object) -> None:
    """Print a value as JSON in ASCII, which no terminal takes for commands."""
    with writing():
        click.echo(json.dumps(value, indent=2))


class Unwritable(click.ClickException):
    """
    The standard output takes no more.

    Args:
        cause: Why.
    """

    exit_code = 2

    def __init__(self, cause: str) -> None:
        super().__init__(f"the standard output can't be written ({cause})")

    def show(self, file: object = None) -> None:
        """Print it as every error is."""
        del file
        _complain("error", self.message)


@contextmanager
def writing() -> Iterator[None]:
    """Tell a pipe that was closed or a disk that is full apart from what the exit status would mean."""
    try:
        yield
    except OSError as failure:
        cause = os.strerror(failure.errno) if failure.errno else type(failure).__name__
    else:
        return
    sys.stdout = None  # nor is it tried again at exit
    raise Unwritable(cause)


@contextmanager
def afterwards() -> Iterator[None]:
    """Report what is done already: that it can't be written changes nothing about that."""
    try:
        yield
    except Unwritable as unwritable:
        unwritable.show()


def error(problem: CredentialError) -> None:
    """Print what is wrong and what to do about it, for a person, on the standard error stream."""
    place = f"{problem.place}: " if problem.place else ""
    _complain("error", f"{place}{problem.reason}\n{problem.remedy}")


def warning(message: str) -> None:
    """Print what works but should be mended, on the standard error stream."""
    _complain("warning", message)


@contextmanager
def waiting(what: str) -> Iterator[None]:
    """
    Show that something takes its time, on a terminal where rich is installed; it is gone afterwards.

    Args:
        what: What is waited for.
    """
    if on_terminal(sys.stderr):
        try:
            from rich.console import Console
        except ImportError:
            pass
        else:
            console = Console(stderr=True)
            with console.status(f"{what} ...", spinner="line" if console.options.ascii_only else "dots"):
                yield
            return
    yield


def _complain(kind: str, message: str) -> None:
    first, *others = message.rstrip().split("\n")
    try:
        click.echo(f"{kind}: {printable(first)}", err=True)
        for other in others:
            click.echo(f"  {printable(other)}", err=True)
    except OSError:
        sys.stderr = None  # there is nowhere to tell of it, now and at exit


def _drawn(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> bool:
    """Draw the table with rich; say whether rich is there."""
    try:
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text
    except ImportError:
        return False
    drawing = Table()
    for header in headers:
        drawing.add_column(header, overflow="fold")
    for row in rows:
        drawing.add_row(*(Text(cell, style=_STYLES.get(cell, "")) for cell in row))
    Console(file=sys.stdout).print(drawing)
    return True
