"""What trust is in: the table, the file's real path, and the files of the checkout that the table names."""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from lamini_creds._claim import Claim
from lamini_creds._credential import Hidden
from lamini_creds._outcome import Problem

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="links and FIFOs of POSIX")


class Checkout:
    """A repository with a project file in a directory of its own, and a home directory beside it."""

    def __init__(self, root: Path) -> None:
        self.home, self.root = root / "home", root / "work" / "checkout"
        self.file = self.root / "inner" / "pyproject.toml"
        (self.root / ".git").mkdir(parents=True)
        self.file.parent.mkdir()
        self.home.mkdir()

    def claim(self, table: dict[str, Any], file: Path | None = None) -> Claim:
        """Make a claim of the project file."""
        return Claim(Hidden(table), str(file or self.file), Hidden({}), str(self.home))

    def standing(self, table: dict[str, Any]) -> object:
        """Say whether a table is trusted now."""
        return self.claim(table).standing

    def trust(self, table: dict[str, Any]) -> None:
        """Trust a table as it is now."""
        claim = self.claim(table)
        assert claim.store
        assert isinstance(claim.fingerprint, str)
        claim.store.put(claim.path, claim.fingerprint)


@pytest.fixture
def checkout(tmp_path: Path) -> Checkout:
    return Checkout(tmp_path)


def test_trust_is_in_the_very_table(checkout: Checkout) -> None:
    """What was trusted is; before it nothing is known."""
    before = checkout.standing({"http": "any"})
    checkout.trust({"http": "any"})

    assert ("unknown", "trusted") == (before, checkout.standing({"http": "any"}))


@pytest.mark.parametrize(
    "table",
    [
        {"http": "private"},
        {"http": ["any"]},
        {"http": "any", "more": 1},
        {"htt": "any"},
        {},
        {"http": "any", "deadline": True},
    ],
)
def test_any_edit_ends_it(checkout: Checkout, table: dict[str, Any]) -> None:
    """Another value, type, name or setting is another table."""
    checkout.trust({"http": "any", "deadline": 1} if "deadline" in table else {"http": "any"})

    assert "changed" == checkout.standing(table)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("a = 1", "a = 1.0"),
        ("a = '1'", "a = 1"),
        ("a = 2024-01-01", "a = '2024-01-01'"),
        ("a = 2024-01-01T00:00:00Z", "a = 2024-01-01T00:00:00"),
        ("a = ['b', 'c']", "a = [\"b', 'c\"]"),
        ("[a]\nb = 1", "a = [['b', 1]]"),
        ("a = '\u00e9'", "a = 'e\u0301'"),
    ],
)
def test_no_two_tables_look_the_same(checkout: Checkout, one: str, other: str) -> None:
    """Values that print alike are told apart."""
    assert 2 == len({checkout.claim(tomllib.loads(text)).fingerprint for text in (one, other)})


def test_another_path_is_not_trusted(checkout: Checkout) -> None:
    """The same table elsewhere, and at a link's target reached otherwise, is not and is the same file."""
    checkout.trust({"http": "any"})
    link = checkout.root / "link"
    link.symlink_to(checkout.file.parent)

    assert ["unknown", "trusted"] == [
        checkout.claim({"http": "any"}, directory / "pyproject.toml").standing for directory in (checkout.root, link)
    ]


def test_a_link_to_a_trusted_file_is_not_trusted(checkout: Checkout) -> None:
    """Another checkout does not get the trust of a file by a link to it."""
    checkout.trust({"http": "any"})
    other = checkout.root.parent / "other" / "pyproject.toml"
    other.parent.mkdir()
    other.symlink_to(checkout.file)

    assert "unknown" == checkout.claim({"http": "any"}, other).standing


def test_a_link_that_is_turned_to_another_file_is_not_trusted(checkout: Checkout) -> None:
    """Trust in a project file that is a link is in what it leads to, too."""
    link, other = checkout.file.with_name("link"), checkout.file.with_name("other")
    link.symlink_to(checkout.file)
    before = checkout.claim({"http": "any"}, link).fingerprint
    link.unlink()
    link.symlink_to(other)

    assert before != checkout.claim({"http": "any"}, link).fingerprint


def test_the_path_is_part_of_the_fingerprint(checkout: Checkout) -> None:
    """A fingerprint that was taken of one file is not that of another."""
    files = [checkout.file, checkout.root / "pyproject.toml"]

    assert 2 == len({checkout.claim({"http": "any"}, file).fingerprint for file in files})


NAMES = {
    "absolute": "{root}/tools/key.sh",
    "among others": "--helper={root}/tools/key.sh",
    "in a line for a shell": "cd / && '{root}/tools/key.sh' --now",
    "beside the project file": "../tools/key.sh",
    "by a detour": "{root}/inner/../tools/key.sh",
    "a URL of it": "file://{root}/tools/key.sh",
    "from the root directory": "{bare}/tools/key.sh",
    "its directory": "{root}/tools",
    "behind an option": "-I{root}/tools",
    "for a shell": "(cat<{root}/tools/key.sh)|sh",
}


@pytest.mark.parametrize("what", NAMES)
@pytest.mark.parametrize("change", ["edited", "gone", "another kind"])
def test_a_file_that_the_table_names(checkout: Checkout, what: str, change: str) -> None:
    """The content of a file of the checkout counts, however the table names it."""
    name = NAMES[what].format(root=checkout.root, bare=str(checkout.root)[1:])
    table = {"provider": {"exec": {"command": ["sh", name]}}}
    file = checkout.root / "tools" / "key.sh"
    file.parent.mkdir()
    file.write_text("echo old")
    checkout.trust(table)
    before = checkout.standing(table)
    file.unlink()
    if change == "edited":
        file.write_text("echo new")
    elif change == "another kind":
        file.mkdir()

    assert ("trusted", "changed") == (before, checkout.standing(table))


def test_a_file_that_comes_later(checkout: Checkout) -> None:
    """A name that led nowhere when it was trusted may not lead somewhere later."""
    table = {"provider": {"yaml": {"path": str(checkout.root / "keys.yaml")}}}
    checkout.trust(table)
    (checkout.root / "keys.yaml").write_text("production: {url: 'https://evil.test'}")

    assert "changed" == checkout.standing(table)


@POSIX
def test_a_link_that_is_turned(checkout: Checkout) -> None:
    """A link of the checkout counts with where it leads, inside or outside."""
    table = {"provider": {"yaml": {"path": str(checkout.root / "link")}}}
    (checkout.root / "link").symlink_to(checkout.home / "one")
    checkout.trust(table)
    before = checkout.standing(table)
    (checkout.root / "link").unlink()
    (checkout.root / "link").symlink_to(checkout.home / "other")

    assert ("trusted", "changed") == (before, checkout.standing(table))


def test_files_of_the_user_s_own_may_change(checkout: Checkout) -> None:
    """A key that is rotated outside of the checkout ends no trust."""
    keys = checkout.home / "keys.yaml"
    keys.write_text("old")
    table = {"provider": {"yaml": {"path": "~/keys.yaml"}, "file": {"key_file": str(keys)}}}
    checkout.trust(table)
    keys.write_text("new")

    assert "trusted" == checkout.standing(table)


def test_a_home_that_is_a_repository_is_no_checkout(tmp_path: Path) -> None:
    """A project below a home directory under version control is a checkout by itself."""
    home = tmp_path / "home"
    (home / ".git").mkdir(parents=True)
    (home / "keys.yaml").write_text("old")
    (home / "project").mkdir()
    claim = Claim(
        Hidden({"a": str(home / "keys.yaml")}), str(home / "project" / "pyproject.toml"), Hidden({}), str(home)
    )

    assert set() == claim.files


def test_words_without_a_path_are_no_files(checkout: Checkout) -> None:
    """A directory that happens to be called like an entry does not count."""
    (checkout.file.parent / "env").mkdir()

    assert set() == checkout.claim({"providers": ["env", "yaml"]}).files


@pytest.mark.parametrize("change", ["edited", "another"])
def test_a_path_that_depends_on_the_profile(checkout: Checkout, change: str) -> None:
    """Each file counts that some profile may mean."""
    table = {"provider": {"exec": {"command": ["sh", f"{checkout.root}/{{profile}}.sh"]}}}
    (checkout.root / "staging.sh").write_text("echo old")
    checkout.trust(table)
    before = checkout.standing(table)
    (checkout.root / ("staging.sh" if change == "edited" else "local.sh")).write_text("echo new")

    assert ("trusted", "changed") == (before, checkout.standing(table))


def test_the_profile_s_name_alone_is_no_file(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is handed on as a name may be called like any file."""
    monkeypatch.chdir(checkout.root)
    (checkout.root / "staging").write_text("")

    assert set() == checkout.claim({"command": ["ssh", "--profile", "{profile}"]}).files


def test_what_only_looks_like_a_path_can_be_trusted(checkout: Checkout) -> None:
    """A secret's name may hold the profile and slashes, be longer than a file's, or go on below one."""
    (checkout.file.parent / "team").write_text("")
    table = {"secret": "lamini/{profile}", "url_secret": "team/lamini", "command": ["sh", "-c", f"/{'x' * 300}"]}
    checkout.trust(table)

    assert "trusted" == checkout.standing(table)


def test_a_file_without_a_path(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bare name counts where such a file stands beside the project file, or where the process runs."""
    monkeypatch.chdir(checkout.root)
    (checkout.file.parent / "one.pem").write_text("")
    (checkout.root / "other.pem").write_text("")
    files = checkout.claim({"a": "one.pem", "b": "other.pem", "c": "no.pem"}).files

    assert not isinstance(files, Problem)
    assert {str(checkout.file.parent / "one.pem"), str(checkout.root / "other.pem")} == {file for file, _ in files}


def test_the_checkout_itself(checkout: Checkout) -> None:
    """A table that names the checkout's root names the files there."""
    table = {"command": ["env", f"PYTHONPATH={checkout.root}", "python", "-m", "helper"]}
    checkout.trust(table)
    (checkout.root / "helper.py").write_text("")

    assert "changed" == checkout.standing(table)


@POSIX
def test_another_spelling(checkout: Checkout, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of the checkout is one also where the system spells its path in more ways than one, as macOS does."""
    (checkout.home / "CHECKOUT").symlink_to(checkout.root)
    (checkout.root / "key.sh").write_text("")
    claim = checkout.claim({"command": [f"{checkout.home}/CHECKOUT/key.sh"]})
    monkeypatch.setattr(os.path, "realpath", os.path.abspath)

    assert claim.files


@POSIX
def test_a_command_that_the_checkout_brings(checkout: Checkout) -> None:
    """A bare name that PATH leads into the checkout with counts too."""
    helper = checkout.root / "bin" / "helper"
    helper.parent.mkdir()
    helper.write_text("")
    environ: Hidden[Mapping[str, str]] = Hidden({"PATH": f"bin:/usr/bin:{helper.parent}"})
    files = Claim(Hidden({"command": ["helper"]}), str(checkout.file), environ, str(checkout.home)).files

    assert not isinstance(files, Problem)
    assert [str(helper)] == [file for file, _ in files]


@POSIX
def test_a_directory_with_a_link_to_nothing(checkout: Checkout) -> None:
    """What is broken in a directory hides no change beside it."""
    (checkout.root / "lib").mkdir()
    (checkout.root / "lib" / "broken").symlink_to("nowhere")
    (checkout.root / "lib" / "key.py").write_text("old")
    table = {"a": f"{checkout.root}/lib"}
    checkout.trust(table)
    (checkout.root / "lib" / "key.py").write_text("new")

    assert "changed" == checkout.standing(table)


@POSIX
def test_what_can_t_be_looked_at(checkout: Checkout) -> None:
    """A FIFO is never waited for; nor does a name that no file can have do harm."""
    os.mkfifo(checkout.root / "odd")
    table = {"a": f"{checkout.root}/odd", "b": "/nul\0/", "c": "/" + "x" * 5000}
    checkout.trust(table)

    assert "trusted" == checkout.standing(table)


def test_unknown_tables_cost_a_look_into_the_store(checkout: Checkout) -> None:
    """Files that a table names are read only where something was trusted at this path."""
    claim = checkout.claim({"a": str(checkout.root / "large")})

    assert ("unknown", False) == (claim.standing, "files" in vars(claim))
