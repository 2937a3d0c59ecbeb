"""What the pages show of a terminal is what a terminal shows."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"<!-- terminal -->\n```text\n\$ lamini-creds (.*)\n((?:.*\n)*?)```")
SHOWN = [(page, *found) for page in PAGES for found in BLOCK.findall(page.read_text())]
TABLES = """
[tool.lamini_creds]
allow_origins = ["https://lamini.example.com"]
[tool.lamini_creds.provider.yaml]
path = "/srv/keys.yaml"
"""


class Terminal(Protocol):
    shown: str

    def expect(self, text: str) -> None: ...
    def type(self, line: str) -> None: ...
    def end(self) -> int: ...


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_terminal_is_one_of_a_test(page: Path) -> None:
    """What a page shows of a command of ours is marked, and so compared with what the command shows."""
    unmarked = re.findall(
        r"(?<!<!-- terminal -->\n)(?<!<!-- journey -->\n)```text\n(.*?)```", page.read_text(), re.DOTALL
    )

    assert [] == [shown for shown in unmarked if "$ lamini-creds" in shown]


@pytest.mark.parametrize(
    ("page", "command", "shown"), SHOWN, ids=[f"{page.stem}: {command}" for page, command, _ in SHOWN]
)
def test_a_terminal_shows_this(
    terminal: Callable[..., Terminal], home: Path, project: Path, page: Path, command: str, shown: str
) -> None:
    """The command, typed as the page says, prints what the page says."""
    if page.stem == "trust-a-checkout":
        (project / "pyproject.toml").write_text(TABLES)
    running = terminal(*command.split(), COLUMNS="200")
    if "(it is not shown): " in shown:
        running.expect("(it is not shown): ")
        running.type('"test-key-1"' if "quotes" in shown else "test-key-1")
    if "[y/N]: y" in shown:
        running.expect("[y/N]: ")
        running.type("y")
    running.end()

    assert shown == running.shown.replace(str(home), "/home/you").replace(str(project), "/home/you/project")
