"""Types and style of the whole repository, judged by the tools with the configuration of pyproject.toml."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import lamini_creds

ROOT = Path(__file__).parent.parent
PLUGINS = sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))
TOOLS = {
    "types": ["mypy", "--strict"],
    "types of the examples": ["mypy", "--strict", "conftest.py", "docs/conf.py", "docs/examples"],
    "rules": ["ruff", "check", "."],
    "format": ["ruff", "format", "--check", "."],
}


@pytest.mark.parametrize("tool", TOOLS.values(), ids=TOOLS)
def test_the_tool_has_nothing_to_say(tool: list[str]) -> None:
    """The tool accepts every file of the repository."""
    ran = subprocess.run([sys.executable, "-m", *tool], cwd=ROOT, capture_output=True, text=True, check=False)

    assert 0 == ran.returncode, ran.stdout + ran.stderr


@pytest.mark.parametrize("plugin", PLUGINS, ids=[plugin.name for plugin in PLUGINS])
def test_the_types_of_a_plugin_are_right(plugin: Path) -> None:
    """The types of a plugin, of its tests and of the servers that they start are right, by its own configuration."""
    check = ["mypy", "--strict", plugin.name.replace("-", "_"), "tests"]
    ran = subprocess.run([sys.executable, "-m", *check], cwd=plugin, capture_output=True, text=True, check=False)

    assert 0 == ran.returncode, ran.stdout + ran.stderr


@pytest.mark.parametrize("plugin", PLUGINS, ids=[plugin.name for plugin in PLUGINS])
def test_a_plugin_uses_public_names_alone(plugin: Path) -> None:
    """What a plugin takes from this package, a stranger's could take."""
    texts = [module.read_text() for module in sorted((plugin / plugin.name.replace("-", "_")).rglob("*.py"))]
    nodes = [node for text in texts for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ImportFrom)]
    taken = {name.name for node in nodes if node.module == "lamini_creds" for name in node.names}

    assert "hookimpl" in taken
    assert taken <= set(lamini_creds.__all__)
    assert not any("lamini_creds._" in text for text in texts)


def test_no_type_ignore_is_bare() -> None:
    """Every `type: ignore` of the package names the code it silences."""
    lines = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sorted((ROOT / "lamini_creds").rglob("*.py"))
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if "type: ignore" in line and "type: ignore[" not in line
    ]

    assert [] == lines
