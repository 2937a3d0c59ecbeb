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
    child = subprocess.Popen([sys.executable, "-c", code], env={"PYTHONPATH": str(ROOT), **environ}, cwd=directory)
    if clocked is not None:
        _, status, usage = clocked(child.pid, 0)
        child.returncode = status
        return float(usage.ru_utime + usage.ru_stime)
    child.wait()
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system


def warm(home: Path, empty: Path, rounds: int) -> None:
    """Compare calls in a process that has found the key before with the looks that none of them can do without."""
    flat, section = ("LAMINI_API_KEY", "LAMINI_API_URL"), ("LAMINI__PRODUCTION__KEY", "LAMINI__PRODUCTION__URL")
    all_names = (*flat, *section, "LAMINI_API_KEY_FILE", "LAMINI_API_URL_FILE")
    absent = tuple(str(empty / name) for name in (".lamini/configure.yaml", ".powerml/configure_llama.yaml"))
    present = (str(home / ".lamini" / "configure.yaml"),)
    cases: dict[str, tuple[Path, Mapping[str, str], tuple[str, ...], tuple[str, ...]]] = {
        "env, key and URL": (empty, KEY_AND_URL, flat, ()),
        "env, key alone": (empty, KEY, all_names, absent),
        "yaml": (home, {}, all_names, present),
    }
    for name in [name for name in os.environ if name.startswith(("LAMINI", "LLAMA"))]:
        del os.environ[name]
    nanoseconds: dict[str, list[float]] = {name: [] for case in cases for name in (by_hand(case), case)}
    resolvers = {name: Resolver({}, home=folder) for name, (folder, *_) in cases.items()}
    for _ in range(rounds):
        for name, (_, environ, names, paths) in cases.items():
            os.environ.update(environ)
            nanoseconds[by_hand(name)].append(time_of(lambda names=names, paths=paths: look(names, paths)))  # type: ignore[misc]
            nanoseconds[name].append(time_of(resolvers[name].resolve))
            for variable in environ:
                del os.environ[variable]
    goals = {"env, key and URL": 2.0, "env, key alone": 1.5, "yaml": 1.5}
    compared = {name: (by_hand(name), goal) for name, goal in goals.items()}
    show("warm: one call, in ns", {name: median(times) for name, times in nanoseconds.items()}, compared)


def by_hand(case: str) -> str:
    return f"{case}: the looks alone"


def look(names: tuple[str, ...], paths: tuple[str, ...]) -> None:
    """Do what has to be done at least: get the variables and the files' state."""
    for name in names:
        os.getenv(name)
    for path in paths:
        try:  # noqa: SIM105  # `suppress` would be half of what is measured
            os.stat(path)
        except OSError:
            pass


def time_of(call: Callable[[], object]) -> float:
    return timeit.timeit(call, number=LOOPS) / LOOPS * 1e9


def show(title: str, measured: Mapping[str, float], compared: Mapping[str, tuple[str, float]]) -> None:
    print(f"\n{title}")  # noqa: T201
    for name, figure in measured.items():
        line = f"  {name:<36} {figure:>9,.0f}"
        if name in compared:
            other, goal = compared[name]
            line += f"   {figure / measured[other]:.2f} times {other}; goal: at most {goal}"
        print(line)  # noqa: T201


if __name__ == "__main__":
    main()
