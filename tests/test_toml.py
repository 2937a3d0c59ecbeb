"""What no setting needs is refused before anybody works with it."""

from __future__ import annotations

import pytest

from lamini_creds._read import Content
from lamini_creds._toml import our_table
from lamini_creds.errors import ConfigError


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"{'.'.join('a' * 100)} = 1", "is nested too deeply"),
        (f"a = {'[' * 100}{']' * 100}", "is nested too deeply"),
        (f"a = [{{ {'.'.join('a' * 100)} = 1 }}]", "is nested too deeply"),
        (f"a = [0x{'f' * 5000}]", "holds a number too long"),
    ],
    ids=["dotted", "lists", "tables in a list", "number"],
)
def test_settings_without_end(text: str, told: str) -> None:
    """A hostile file can't make whoever writes a setting out again fail."""
    content = Content(f"[tool.lamini_creds]\n{text}\n".encode(), "", "")

    with pytest.raises(ConfigError, match=told):
        our_table(content, "pyproject.toml", project=True)


def test_other_tools_may_set_what_they_like() -> None:
    """Only our own table is looked at."""
    content = Content(f"[tool.lamini_creds]\n[tool.other]\na = 0x{'f' * 5000}\n".encode(), "", "")

    assert our_table(content, "pyproject.toml", project=True)
