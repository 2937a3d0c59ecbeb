"""The site of the documentation, as Sphinx makes it of the pages and the docstrings."""

from __future__ import annotations

import html
import re
import subprocess
import sys
from pathlib import Path

import pytest

import lamini_creds

DOCS = Path(__file__).parent.parent / "docs"


@pytest.fixture(scope="module")
def reference(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Build the site and give the page of the Python names."""
    trees, site = tmp_path_factory.mktemp("trees"), tmp_path_factory.mktemp("site")
    build = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-d", str(trees), str(DOCS), str(site)]
    built = subprocess.run(build, capture_output=True, text=True, check=False)
    assert 0 == built.returncode, built.stderr
    return (site / "reference" / "api.html").read_text()


@pytest.fixture
def plain(reference: str) -> str:
    """What is to be read on the page."""
    return html.unescape(re.sub(r"<[^>]*>", "", reference))


def test_the_site_builds(reference: str) -> None:
    """Sphinx makes the site of the pages and the docstrings, and has nothing to complain of."""
    assert "resolve_credentials" in reference


def test_every_public_name_has_its_docstring_on_the_site(reference: str) -> None:
    """Also those that are imported when they are asked for; what has no docstring is in the table alone."""
    generated = set(re.findall(r'id="lamini_creds\.(\w+)"', reference))

    assert {"LAMINI", "hookimpl"} == set(lamini_creds.__all__) - generated


def test_values_show_their_fields(plain: str) -> None:
    """The signature of a value names its fields."""
    assert "Attempt(entry, outcome, place=" in plain


def test_defaults_stand_as_they_are_written(plain: str) -> None:
    """A default that is a value of ours is its name, and not all that it holds."""
    assert "service=LAMINI" in plain


def test_no_sentence_is_taken_for_a_type(reference: str) -> None:
    """A colon in the first line of what a function gives, or of a property, parts it there: there is none."""
    described = re.findall(r"<dt[^>]*>(?:Returns|Type)<span[^>]*>:</span></dt>\s*<dd[^>]*><p>(.)", reference)

    assert [] == [letter for letter in described if letter.islower()]


def test_the_site_claims_nobodys_copyright(plain: str) -> None:
    """Who has it stands in LICENSE."""
    assert "Copyright" not in plain
