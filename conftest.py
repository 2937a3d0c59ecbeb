"""Run every example of README.md, docs/ and the docstrings, each page in a home and an environment of its own."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import tomllib
from doctest import ELLIPSIS, NORMALIZE_WHITESPACE, OutputChecker
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from sybil import Example, Sybil
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser, SkipParser
from sybil.parsers.rest import DocTestParser

import lamini_creds

if TYPE_CHECKING:
    from collections.abc import Iterator

_FOREIGN = re.compile(r"LAMINI|LLAMA|POWERML|OPENAI|ANTHROPIC|VLLM|XDG_CONFIG_HOME")
_COMMAND = "import sys; sys.argv[0] = 'lamini-creds'; from lamini_creds.cli import main; sys.exit(main())"
_SHELL = f'lamini-creds() {{ "{sys.executable}" -c "{_COMMAND}" "$@"; }}\n'


class _Page:
    """The home directory, working directory and environment in which one page's examples run."""

    def __init__(self) -> None:
        self.environ = dict(os.environ)
        self.directory = Path.cwd()
        self.home = Path(tempfile.mkdtemp()).resolve()
        self.status = 0
        project = self.home / "project"
        project.mkdir()
        for name in filter(_FOREIGN.match, self.environ):
            del os.environ[name]
        os.environ.update(HOME=str(self.home), USERPROFILE=str(self.home), COLUMNS="200", NO_COLOR="1")
        os.environ["PYTHONPATH"] = os.pathsep.join([str(Path(__file__).parent), self.environ.get("PYTHONPATH", "")])
        self.shell = dict(os.environ)
        os.chdir(project)
        lamini_creds.reset()

    def close(self) -> None:
        lamini_creds.reset()
        os.chdir(self.directory)
        os.environ.clear()
        os.environ.update(self.environ)
        shutil.rmtree(self.home)


def _open_page(namespace: dict[str, Any]) -> None:
    namespace["_page"] = _Page()


def _close_page(namespace: dict[str, Any]) -> None:
    namespace.pop("_page").close()


def _run_console(example: Example) -> None:
    """
    Run each line after `$` and compare what it prints.

    The page's shell and its Python are two processes: `export` counts for the
    commands that follow, and `os.environ` for the Python.
    """
    page: _Page = example.namespace["_page"]
    for command, expected in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n?)*)", example.parsed, re.MULTILINE):
        if command.startswith("export "):
            page.shell.update(setting.partition("=")[::2] for setting in shlex.split(command)[1:])
            continue
        ran = subprocess.run(  # noqa: S603  # the commands stand in our own pages
            ["bash", "-c", f"{_SHELL}(exit {page.status})\n{command}"],  # noqa: S607
            capture_output=True, text=True, check=False, timeout=60, env=page.shell,
        )  # fmt: skip
        page.status = ran.returncode
        _compare(command, expected, (ran.stdout + ran.stderr).replace(str(page.home), "/home/you"))


def _compare(command: str, expected: str, printed: str) -> None:
    expects = OutputChecker().check_output
    if not expects(_plain(expected), _plain(printed), ELLIPSIS | NORMALIZE_WHITESPACE):
        raise AssertionError(f"$ {command}\nexpected:\n{expected}\nprinted:\n{printed}")


def _plain(text: str) -> str:
    """Take what differs from run to run out of what a command prints."""
    return re.sub(r"[\d.]+ (ms|s)\b", "0 s", text)


def _read_toml(example: Example) -> None:
    """Read a table of ours as a resolver does; one that names a plugin which is not installed is fine."""
    if "lamini_creds" not in tomllib.loads(example.parsed).get("tool", {}):
        return
    path = example.namespace["_page"].home / "named" / "pyproject.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(example.parsed)
    error = lamini_creds.Resolver.from_file(path).explain().error
    if isinstance(error, lamini_creds.ConfigError) and not isinstance(error, lamini_creds.UnknownProviderError):
        raise error


def _read_yaml(example: Example) -> None:
    list(yaml.safe_load_all(example.parsed))


_pages = Sybil(
    parsers=[
        PythonCodeBlockParser(doctest_optionflags=ELLIPSIS),
        CodeBlockParser(language="console", evaluator=_run_console),
        CodeBlockParser(language="toml", evaluator=_read_toml),
        CodeBlockParser(language="yaml", evaluator=_read_yaml),
        SkipParser(),
    ],
    patterns=["README.md", "docs/**/*.md", "docs/*.md"],
    setup=_open_page,
    teardown=_close_page,
)
_docstrings = Sybil(
    parsers=[DocTestParser(ELLIPSIS)],
    patterns=["lamini_creds/*.py", "lamini_creds/**/*.py"],
    setup=_open_page,
    teardown=_close_page,
)

# What is started in the background ignores these, and so would all that the tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)
if sys.platform != "win32" and signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
    signal.signal(signal.SIGHUP, signal.SIG_DFL)

pytest_collect_file = (_pages + _docstrings).pytest()


@pytest.fixture(scope="session", autouse=True)
def _own_files() -> Iterator[None]:
    """Make sure that no test touches the key files of whoever runs them."""
    files = [Path.home() / name for name in lamini_creds.LAMINI.files]
    before = [file.stat().st_mtime_ns if file.exists() else None for file in files]
    yield
    assert before == [file.stat().st_mtime_ns if file.exists() else None for file in files]
