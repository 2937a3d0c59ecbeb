"""YAML files: found in the home directory or named, judged by who may touch them, and read again when changed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lamini_creds import (
    Context,
    CredentialsNotFoundError,
    CredentialWarning,
    Outcome,
    ProviderInvalid,
    Resolver,
    _read,
)
from lamini_creds.providers.yaml import YamlProvider

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX files")
as_root = pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() != 0, reason="only root can be somebody else")

KEY, OTHER, URL = "test-key-1", "test-key-2", "https://lamini.example.com"
NEAR, FAR = ".lamini/configure.yaml", ".powerml/configure_llama.yaml"
SOMEBODY = 12345


def _store(path: Path, key: str, url: str | None = None) -> Path:
    """Write a file that only its owner can touch."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"production:\n  key: {key}\n" + (f"  url: {url}\n" if url else ""))
    path.chmod(0o600)
    return path


def _resolver(home: Path | None, **options: object) -> Resolver:
    return Resolver({"provider": {"yaml": options}} if options else {}, environ={}, home=home)


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the clock ahead, so that every file has been left alone for long."""
    monkeypatch.setattr(_read, "time_ns", lambda: time.time_ns() + 10**12)


@pytest.fixture
def open_path() -> Iterator[Path]:
    """Make a directory that every user may enter, as those of pytest are not."""
    path = Path(tempfile.mkdtemp())
    path.chmod(0o755)
    yield path
    shutil.rmtree(path)


@pytest.mark.parametrize("file", [NEAR, FAR])
def test_found(tmp_path: Path, file: str) -> None:
    """Key and URL of either home file, with its path as the place."""
    path = _store(tmp_path / file, KEY, URL)

    credential = _resolver(tmp_path).resolve()

    assert (KEY, URL) == (credential.key, credential.url)
    assert ("yaml", str(path), str(path)) == (credential.provider, credential.source, credential.url_source)


def test_absent(tmp_path: Path) -> None:
    """Each home file that is not there is a miss of its own."""
    attempts = [attempt for attempt in _resolver(tmp_path).explain().attempts if attempt.entry == "yaml"]

    assert [(Outcome.MISS, str(tmp_path / file), "there is no such file") for file in (NEAR, FAR)] == [
        (attempt.outcome, attempt.place, attempt.reason) for attempt in attempts
    ]


def test_partial(tmp_path: Path) -> None:
    """A URL in the nearer file serves a key without one in the farther."""
    (_store(tmp_path / NEAR, KEY)).write_text(f"production: {{url: '{URL}'}}")
    _store(tmp_path / FAR, KEY)

    credential = _resolver(tmp_path).resolve()

    assert (str(tmp_path / FAR), str(tmp_path / NEAR)) == (credential.source, credential.url_source)


def test_other_profile(tmp_path: Path) -> None:
    """A file without the profile is a miss that names the profile."""
    _store(tmp_path / NEAR, KEY)

    attempts = _resolver(tmp_path).explain(profile="staging").attempts

    assert (Outcome.MISS, "there is no key under 'staging'") in [(a.outcome, a.reason) for a in attempts]


@pytest.mark.parametrize(
    "text", ["", "# nothing\n", "- a\n", "production:\n\tkey: a\n", "production: [a]\n", "a: 'b\n"]
)
def test_malformed(tmp_path: Path, text: str) -> None:
    """A file that is no YAML mapping is an error with its path, though the next file has a key."""
    _store(tmp_path / NEAR, KEY).write_text(text)
    _store(tmp_path / FAR, KEY)

    with pytest.raises(ProviderInvalid) as raised:
        _resolver(tmp_path).resolve()

    assert f"yaml: {tmp_path / NEAR}" == raised.value.place


def test_malformed_far_file(tmp_path: Path) -> None:
    """A broken file after the one with key and URL is not read."""
    _store(tmp_path / NEAR, KEY, URL)
    _store(tmp_path / FAR, KEY).write_text("")

    assert _resolver(tmp_path).resolve().key == KEY


def test_beside_explicit_key_and_url(tmp_path: Path) -> None:
    """A broken file does no harm to a caller who passed key and URL."""
    _store(tmp_path / NEAR, KEY).write_text("")

    assert _resolver(tmp_path).resolve(key=OTHER, url=URL).key == OTHER


@posix
@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (Path.mkdir, "is a directory, not a file"),
        (os.mkfifo, "is a FIFO, not a file"),
        (lambda path: path.symlink_to("/dev/zero"), "is a device, not a file"),
        (lambda path: path.symlink_to("nowhere"), "is a link to nothing"),
        (lambda path: path.symlink_to(path.name), "can't be opened"),
        (lambda path: path.write_bytes(b" " * (1024 * 1024 + 1)), "is larger than 1 MiB"),
    ],
    ids=["directory", "FIFO", "device", "dangling link", "looping link", "large"],
)
def test_no_file(tmp_path: Path, make: Callable[[Path], object], reason: str) -> None:
    """What stands where a home file should be, and is none, is an error."""
    (tmp_path / ".lamini").mkdir()
    make(tmp_path / NEAR)

    with pytest.raises(ProviderInvalid, match=reason) as raised:
        _resolver(tmp_path).resolve()

    assert f"yaml: {tmp_path / NEAR}" == raised.value.place


def test_named(tmp_path: Path) -> None:
    """A named file is read in place of the home files."""
    _store(tmp_path / NEAR, OTHER)
    path = _store(tmp_path / "mine.yaml", KEY)

    credential = _resolver(tmp_path, path=str(path)).resolve()

    assert (KEY, str(path)) == (credential.key, credential.source)


def test_named_below_home(tmp_path: Path) -> None:
    """A file may be named from the home directory."""
    _store(tmp_path / "mine.yaml", KEY)

    assert _resolver(tmp_path, path="~/mine.yaml").resolve().key == KEY


def test_named_and_absent(tmp_path: Path) -> None:
    """A named file has to exist."""
    with pytest.raises(ProviderInvalid, match="there is no such file"):
        _resolver(tmp_path, path=str(tmp_path / "mine.yaml")).resolve()


def test_named_and_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path is refused, though there is such a file in the working directory."""
    _store(tmp_path / "mine.yaml", KEY)
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ProviderInvalid, match="is not an absolute path"):
        _resolver(tmp_path, path="mine.yaml").resolve()


def test_named_below_no_home() -> None:
    """A file named from a home directory that there is not says so."""
    with pytest.raises(ProviderInvalid, match="there is no home directory"):
        _resolver(None, path="~/mine.yaml").resolve()


@pytest.mark.parametrize("home", [None, "", "relative", "."], ids=["unset", "empty", "relative", "dot"])
def test_no_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: str | None) -> None:
    """Without a home directory as an absolute path the home files are missed for that reason, and no relative one read."""
    for folder in (tmp_path, tmp_path / "relative"):
        folder.mkdir(exist_ok=True)
        _store(folder / NEAR, KEY)
    monkeypatch.chdir(tmp_path)
    environ = {} if home is None else {"HOME": home, "USERPROFILE": home}

    resolution = Resolver({}, environ=environ).explain()

    assert resolution.credential is None
    assert [("~/" + file, "there is no home directory") for file in (NEAR, FAR)] == [
        (attempt.place, attempt.reason) for attempt in resolution.attempts if attempt.entry == "yaml"
    ]


def _run_as_somebody(code: str, *arguments: str, home: str | None) -> str:
    """Resolve as a user who has no entry in the list of users."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("LAMINI", "LLAMA", "HOME"))}
    if home is not None:
        environ["HOME"] = home
    start = (
        "import os, sys, msgspec, yaml, shlex, pathlib, tomllib, difflib; import lamini_creds\n"
        "from lamini_creds import _hints, _layers, _options\n"
        "from lamini_creds.providers import env, file, yaml as _, _yamltext\n"
        f"os.setgroups([]); os.setresgid(*[{SOMEBODY}] * 3); os.setresuid(*[{SOMEBODY}] * 3); os.chdir('/')\n"
    )
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", start + code, *arguments],
        capture_output=True, text=True, check=False, timeout=60, env=environ,
    )  # fmt: skip
    return ran.stdout.strip() or ran.stderr


REASONS = "print(sorted({a.reason for a in lamini_creds.Resolver({}).explain().attempts if a.entry == 'yaml'}))"


@as_root
def test_no_account() -> None:
    """A user without HOME and without an account has no home directory."""
    assert _run_as_somebody(REASONS, home=None) == "['there is no home directory']"


@as_root
def test_somebody_elses_closed_home(open_path: Path) -> None:
    """A home directory that is closed to us holds nothing for us."""
    _store(open_path / "home" / "key", KEY)
    (open_path / "home").chmod(0o700)

    assert _run_as_somebody(REASONS, home=str(open_path / "home")) == "['the directory is closed to this user']"


@as_root
def test_somebody_elses_file(open_path: Path) -> None:
    """A file in a home directory that we may not read is an error: nobody knows what it says."""
    (open_path / ".lamini").mkdir()
    _store(open_path / NEAR, KEY)

    told = _run_as_somebody("print(lamini_creds.Resolver({}).explain().error)", home=str(open_path))

    assert f"yaml: {open_path / NEAR}: can't be opened (Permission denied)" in told


@posix
def test_deleted_working_directory(tmp_path: Path) -> None:
    """A process whose working directory is gone finds the key in its home all the same."""
    _store(tmp_path / NEAR, KEY)
    code = (
        "import os, sys, tempfile\n"
        "from lamini_creds import resolve_credentials\n"
        "gone = tempfile.mkdtemp(); os.chdir(gone); os.rmdir(gone)\n"
        "print(resolve_credentials().source)"
    )
    environ = {n: value for n, value in os.environ.items() if not n.startswith(("LAMINI", "LLAMA"))}
    ran = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True, text=True, check=False, timeout=60, env=environ | {"HOME": str(tmp_path)},
    )  # fmt: skip

    assert (str(tmp_path / NEAR), "") == (ran.stdout.strip(), ran.stderr)


@posix
@pytest.mark.parametrize("mode", [0o602, 0o622, 0o666])
def test_changeable_by_others(tmp_path: Path, mode: int) -> None:
    """A file with a key that others may change is refused, with the file and the chmod."""
    _store(tmp_path / NEAR, KEY).chmod(mode)

    with pytest.raises(ProviderInvalid, match="can be changed by other users") as raised:
        _resolver(tmp_path).resolve()

    assert f"chmod 600 {tmp_path / NEAR}" in raised.value.remedy


@posix
def test_a_url_alone_changeable_by_others(tmp_path: Path) -> None:
    """Nor may others change a file that says where a key goes."""
    _store(tmp_path / NEAR, KEY).write_text(f"production: {{url: '{URL}'}}")
    (tmp_path / NEAR).chmod(0o666)

    with pytest.raises(ProviderInvalid, match="holds a URL and can be changed by other users"):
        _resolver(tmp_path).resolve(key=KEY)


@posix
def test_nothing_for_the_profile_changeable_by_others(tmp_path: Path) -> None:
    """A file that holds nothing for the profile may be as open as it likes."""
    _store(tmp_path / NEAR, KEY).chmod(0o666)

    assert _resolver(tmp_path).explain(key=KEY, profile="staging").error is None


@posix
def test_permissions_off(tmp_path: Path) -> None:
    """The user can say that an open file is meant so."""
    _store(tmp_path / NEAR, KEY).chmod(0o666)

    assert _resolver(tmp_path, permissions="off").resolve().key == KEY


@as_root
def test_owned_by_another_user(tmp_path: Path) -> None:
    """A file with a key that belongs to somebody else is refused, though only they could change it."""
    os.chown(_store(tmp_path / NEAR, KEY), SOMEBODY, SOMEBODY)

    with pytest.raises(ProviderInvalid, match="holds a key and belongs to another user"):
        _resolver(tmp_path).resolve()


WARNED = (
    "import warnings\n"
    "resolver = lamini_creds.Resolver({'provider': {'yaml': {'permissions': sys.argv[1]}}})\n"
    "with warnings.catch_warnings(record=True) as caught:\n"
    "    warnings.simplefilter('always')\n"
    "    try:\n"
    "        found = [resolver.resolve().key for _ in range(100)]\n"
    "    except lamini_creds.ProviderInvalid as error:\n"
    "        found = error.reason\n"
    "print(len(found) if isinstance(found, list) else found, *[w.message for w in caught])"
)


@as_root
@pytest.mark.parametrize(
    ("permissions", "told"),
    [
        ("warn", "100 {path} holds a key and can be read by other users; run: chmod 600 {path}"),
        ("strict", "holds a key and can be read by other users"),
        ("off", "100"),
    ],
)
def test_readable_by_others(open_path: Path, permissions: str, told: str) -> None:
    """A user's file that others may read: one warning over many calls, a refusal, or nothing."""
    _store(open_path / NEAR, KEY).chmod(0o644)
    os.chown(open_path / NEAR, SOMEBODY, SOMEBODY)

    printed = _run_as_somebody(WARNED, permissions, home=str(open_path))

    assert told.format(path=open_path / NEAR) == printed


@as_root
def test_roots_file(open_path: Path) -> None:
    """A file of root's that this user may read needs no warning."""
    _store(open_path / NEAR, KEY).chmod(0o644)

    assert _run_as_somebody(WARNED, "strict", home=str(open_path)) == "100"


def test_without_a_chain(tmp_path: Path) -> None:
    """The provider alone answers with the first file that has a key."""
    (_store(tmp_path / NEAR, KEY)).write_text(f"production: {{url: '{URL}'}}")
    _store(tmp_path / FAR, KEY)
    secret = YamlProvider().provide(Context(home=tmp_path))

    assert secret is not None
    assert (KEY, None) == (secret.key, secret.url)


def test_two_edits_in_one_tick(tmp_path: Path) -> None:
    """A file of the same size and time is read again, if it has just been changed."""
    path, resolver, seen = tmp_path / NEAR, _resolver(tmp_path), []
    keys = [f"test-key-{number}" for number in range(100, 200)]
    for key in keys:
        _store(path, key)
        os.utime(path, ns=(0, 0))
        seen.append(resolver.resolve().key)

    assert keys == seen


def _rename(path: Path) -> None:
    _store(path.with_name("new"), OTHER).replace(path)


def _edit(path: Path) -> None:
    _store(path, OTHER, URL)


def _link(path: Path) -> None:
    (path.parent / "next").symlink_to(_store(path.with_name("new"), OTHER))
    (path.parent / "next").replace(path)


@posix
@pytest.mark.usefixtures("settled")
@pytest.mark.parametrize("change", [_rename, _edit, _link])
def test_a_change_is_seen_at_the_next_call(tmp_path: Path, change: Callable[[Path], None]) -> None:
    """A file that was left alone for long is read again as soon as it changes."""
    path, resolver = _store(tmp_path / NEAR, KEY), _resolver(tmp_path)
    before = resolver.resolve().key

    change(path)

    assert [KEY, OTHER] == [before, resolver.resolve().key]


@pytest.mark.usefixtures("settled")
def test_a_deleted_file_is_seen(tmp_path: Path) -> None:
    """A file that is gone counts no more."""
    path, resolver = _store(tmp_path / NEAR, KEY), _resolver(tmp_path)
    resolver.resolve()

    path.unlink()

    with pytest.raises(CredentialsNotFoundError):
        resolver.resolve()


@pytest.mark.usefixtures("settled")
def test_a_created_file_is_seen(tmp_path: Path) -> None:
    """A nearer file that comes into being counts at once."""
    _store(tmp_path / FAR, KEY)
    resolver = _resolver(tmp_path)
    before = resolver.resolve().key

    _store(tmp_path / NEAR, OTHER)

    assert [KEY, OTHER] == [before, resolver.resolve().key]


@posix
@pytest.mark.usefixtures("settled")
def test_a_link_to_nothing_is_seen(tmp_path: Path) -> None:
    """A dangling link in place of an absent file is an error at once."""
    _store(tmp_path / FAR, KEY)
    (tmp_path / ".lamini").mkdir()
    resolver = _resolver(tmp_path)
    resolver.resolve()

    (tmp_path / NEAR).symlink_to("nowhere")

    with pytest.raises(ProviderInvalid, match="is a link to nothing"):
        resolver.resolve()


@posix
@pytest.mark.usefixtures("settled")
def test_a_changed_mode_is_seen(tmp_path: Path) -> None:
    """A file that is opened to others is refused at the next call."""
    path, resolver = _store(tmp_path / NEAR, KEY), _resolver(tmp_path)
    resolver.resolve()
    moved = path.stat().st_ctime_ns
    while path.stat().st_ctime_ns == moved:
        path.chmod(0o666)

    with pytest.raises(ProviderInvalid, match="can be changed by other users"):
        resolver.resolve()


def test_a_mended_file_is_seen(tmp_path: Path) -> None:
    """An error is no more lasting than the file that caused it."""
    path, resolver = _store(tmp_path / NEAR, KEY), _resolver(tmp_path)
    path.write_text("")
    with pytest.raises(ProviderInvalid):
        resolver.resolve()

    _store(path, KEY)

    assert resolver.resolve().key == KEY


@posix
def test_the_warning_names_the_caller(tmp_path: Path) -> None:
    """A warning points at the line that asked for the credential."""
    _store(tmp_path / NEAR, KEY)
    (tmp_path / NEAR).write_text(f"production: {{key: {KEY}, url: 'http://10.0.0.1'}}")

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        _resolver(tmp_path).resolve()

    assert [(CredentialWarning, __file__)] == [(warning.category, warning.filename) for warning in caught]
