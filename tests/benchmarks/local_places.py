"""
Print what finding a key in a local place costs, beside what it is measured against.

Run it by `python -m tests.benchmarks.local_places [ROUNDS]` from the root of
the repository. All rows of a table are measured in turns within one run, so
that a busy machine slows all of them alike; the ratios are those of medians.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import timeit
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from lamini_creds import Resolver

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROOT = Path(__file__).parent.parent.parent
FIND = "import lamini_creds; lamini_creds.resolve_credentials()"
YAML_BY_HAND = (
    "import pluggy, yaml, os\n"
    "with open(os.path.expanduser('~/.lamini/configure.yaml'), 'rb') as file: yaml.load(file, yaml.CSafeLoader)"
)
KEY = {"LAMINI_API_KEY": "test-key-1"}
KEY_AND_URL = {**KEY, "LAMINI_API_URL": "https://lamini.example.com"}
LOOPS = 2000


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder).resolve()
        empty = home / "empty"
        empty.mkdir()
        file = home / ".lamini" / "configure.yaml"
        file.parent.mkdir()
        file.touch(mode=0o600)
        file.write_text("production: {key: test-key-1, url: 'https://lamini.example.com'}\n")
        os.utime(file, (1, 1))
        cold(home, empty, rounds)
        warm(home, empty, rounds)


def cold(home: Path, empty: Path, rounds: int) -> None:
    """Compare whole processes by the CPU time they add to a bare one."""
    programs: dict[str, tuple[str, dict[str, str]]] = {
        "a bare process": ("", {"HOME": str(empty)}),
        "import pluggy": ("import pluggy", {"HOME": str(empty)}),
        "import pluggy, yaml; read": (YAML_BY_HAND, {"HOME": str(home)}),
        "env, key and URL": (FIND, {"HOME": str(empty), **KEY_AND_URL}),
        "env, key alone": (FIND, {"HOME": str(empty), **KEY}),
        "yaml": (FIND, {"HOME": str(home)}),
    }
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    for _ in range(rounds):
        for name, (code, environ) in programs.items():
            seconds[name].append(cpu_of(code, environ, empty))
    bare = median(seconds.pop("a bare process"))
    added = {name: (median(times) - bare) * 1e6 for name, times in seconds.items()}
    pluggy, by_hand = "import pluggy", "import pluggy, yaml; read"
    compared = {"env, key and URL": (pluggy, 1.5), "env, key alone": (pluggy, 1.5), "yaml": (by_hand, 1.25)}
    show(f"cold: CPU added to a bare process of {bare * 1e3:.1f} ms, in us", added, compared)


def cpu_of(code: str, environ: Mapping[str, str], directory: Path) -> float:
    """Give the CPU time of one interpreter, its compiled files present."""
    before = os.times()
    clocked = os.wait4 if hasattr(os, "wait4") else None
    child = subprocess.Popen(
        [sys.executable, "-c", code], env={"PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path]), **environ}, cwd=directory
    )
    if clocked is not None:
        _, status, usage = clocked(child.pid, 0)
        child.returncode = status
        return float(usage.ru_utime + usage.ru_stime)
    child.wait()
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def warm(home: Path, empty: Path, rounds: int) -> None:
    """Compare calls in a process that has found the key before."""
    both, alone, stored = (
        Resolver(environ=os.environ, home=folder) if False else resolver(environ, folder)
        for environ, folder in ((KEY_AND_URL, empty), (KEY, empty), ({}, home))
    )
