"""The cells for Colab that stand in the documentation work as they stand."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from gcp_kit import KEY
from gcp_lamini import PATH

if TYPE_CHECKING:
    from gcp_lamini import LaminiLogin
    from gcp_login import LoginServer

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "colab.md"
FOUND = {
    "stored": "print(lamini_creds.resolve_credentials().source, lamini_creds.resolve_credentials().key)",
    "in memory": "print(resolver.resolve().source, resolver.resolve().key)",
}
CELLS = dict(zip(FOUND, re.findall(r"<!-- cell -->\n```py\n(.*?)```", PAGE.read_text(), re.DOTALL), strict=True))


@pytest.fixture
def colab(tmp_path: Path, login: LoginServer) -> Path:
    """Give a directory with a package google.colab, whose login leaves what Colab's does: the person's file."""
    package, file = tmp_path / "site" / "google" / "colab", tmp_path / "adc.json"
    file.write_text(json.dumps(login.service_account()))
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "auth.py").write_text(
        f"import os\ndef authenticate_user(): os.environ['GOOGLE_APPLICATION_CREDENTIALS'] = {str(file)!r}\n"
    )
    return tmp_path / "site"


@pytest.mark.parametrize("cell", FOUND)
def test_a_cell_finds_the_key(cell: str, lamini: LaminiLogin, colab: Path, tmp_path: Path) -> None:
    """After the cell the key is found, in the file or at Lamini; nothing is printed, and no warning given."""
    endpoint = f"http://127.0.0.1:{lamini.port}{PATH}"
    ours = {"LAMINI_CREDS_PROVIDERS": "yaml,google", "LAMINI_CREDS__GOOGLE__ENDPOINT": endpoint}
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", f"{CELLS[cell]}\n{FOUND[cell]}"],
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(colab)} | ours,
        check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    source = endpoint if cell == "in memory" else f"{tmp_path}/.powerml/configure_llama.yaml"

    assert (f"{source} {KEY}\n", "") == (ran.stdout, ran.stderr)
