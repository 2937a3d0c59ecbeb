"""Where trust is kept: a file that is the user's own, or is not believed."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from lamini_creds import CredentialError, _truststore
from lamini_creds._credential import Hidden
from lamini_creds._outcome import Problem
from lamini_creds._truststore import Store

POSIX = pytest.mark.skipif(sys.platform == "win32", reason="owners and modes of POSIX")
ROOT_ONLY = pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="only root gives files away")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(str(tmp_path / "state" / "lamini_creds" / "trusted"))


def test_nothing_is_trusted_at_first(store: Store) -> None:
    """Without a store there is nothing, and nothing is made by looking."""
    assert store.get("/a") is None
    assert not os.path.lexists(os.path.dirname(store.path))


def test_what_is_kept_is_found(store: Store) -> None:
    """Each project file has a line of its own; a new one takes the old one's place."""
    store.put("/a", "1")
    store.put("/b", "2")
    store.put("/a", "3")

    assert ["3", "2", None] == [store.get(name) for name in ("/a", "/b", "/")]


def test_what_is_forgotten(store: Store) -> None:
    """Forgetting one leaves the others."""
    store.put("/a", "1")
    store.put("/b", "2")
    store.put("/a", None)

    assert [None, "2"] == [store.get(name) for name in ("/a", "/b")]


@pytest.mark.parametrize("path", ["/with blank", "/with\nline", "/\udcff", "/ \x1b[2J"])
def test_any_path_may_be_trusted(store: Store, path: str) -> None:
    """A path that is no plain text makes no second line, and hides no other."""
    store.put("/a", "1")
    store.put(path, "2")

    assert ["1", "2"] == [store.get(name) for name in ("/a", path)]
    assert 2 == Path(store.path).read_text().count("\n")


def test_a_damaged_store_is_empty(store: Store) -> None:
    """Lines that are none of ours trust nothing."""
    store.put("/a", "1")
    Path(store.path).write_bytes(b"\xff\xfe\n\n  \nnonsense\n" + b"0" * 64)
    Path(store.path).chmod(0o600)

    assert store.get("/a") is None


@POSIX
@pytest.mark.parametrize("mode", [0o602, 0o622, 0o666])
def test_a_file_that_others_could_write_is_not_believed(store: Store, mode: int) -> None:
    """A store that others could have written trusts nothing, says so, and is not written either."""
    store.put("/a", "1")
    Path(store.path).chmod(mode)
    found = store.get("/a")

    assert isinstance(found, Problem)
    assert found.reason == f"the store of trust, {store.path}, is not believed, since other users could have written it"
    with pytest.raises(CredentialError, match="is not believed"):
        store.put("/b", "2")


@POSIX
def test_a_directory_that_others_could_write_is_not_believed(store: Store) -> None:
    """Whoever can write to the directory can put another file there."""
    store.put("/a", "1")
    Path(store.path).parent.chmod(0o777)

    assert isinstance(store.get("/a"), Problem)


@ROOT_ONLY
@pytest.mark.parametrize("whose", ["file", "directory"])
def test_a_stranger_s_store_is_not_believed(store: Store, whose: str) -> None:
    """A file or a directory of another user's trusts nothing."""
    store.put("/a", "1")
    os.chown(store.path if whose == "file" else os.path.dirname(store.path), 4321, 4321)

    assert isinstance(store.get("/a"), Problem)


@POSIX
def test_a_store_that_can_t_be_read(store: Store) -> None:
    """What stands in the store's place and is no file is told, and never waited for."""
    os.makedirs(os.path.dirname(store.path), 0o700)
    os.mkfifo(store.path)

    assert Problem(
        f"the store of trust, {store.path}, is a FIFO, not a file", "Put a regular file there."
    ) == store.get("/a")


@POSIX
@pytest.mark.parametrize(
    ("environ", "home", "path"),
    [
        ({}, "/home/you", "/home/you/.local/state/lamini_creds/trusted"),
        ({"XDG_STATE_HOME": "/state"}, "/home/you", "/state/lamini_creds/trusted"),
        ({"XDG_STATE_HOME": "state"}, "/home/you", "/home/you/.local/state/lamini_creds/trusted"),
        ({"XDG_STATE_HOME": "/state"}, None, "/state/lamini_creds/trusted"),
    ],
)
def test_where_it_is(environ: dict[str, str], home: str | None, path: str) -> None:
    """The store is in the user's state directory; a relative one is passed over."""
    found = _truststore.find(Hidden(environ), home)

    assert found == Store(path)


@POSIX
def test_without_a_home_there_is_none() -> None:
    """Without a home directory nothing can be trusted."""
    assert _truststore.find(Hidden({}), None) is None
