"""
Print every row of the performance goals, in an environment that is made for it and thrown away.

Run it by `python tests/benchmarks/run.py [ROUNDS]`, with Python 3.11 or newer
on Linux or macOS. It installs this package and the peers, takes some minutes,
and says of each row that has a goal whether it is met. The ratios count: what
belongs together is measured in turns, and absolute figures drift.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
GROUPS = ("cold", "warm", "concurrency", "hours", "http_adapters")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, with_pip=True)
        python = str(Path(folder) / "bin" / "python")
        ours = [".", "./plugins/lamini-creds-aws"]
        peers = ["--constraint", "constraints.txt", "--requirement", "tests/benchmarks/peers.txt"]
        subprocess.run([python, "-m", "pip", "install", "--quiet", *peers, *ours], cwd=ROOT, check=True)
        for group in GROUPS:
            subprocess.run([python, "-m", f"tests.benchmarks.{group}", *sys.argv[1:]], cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
