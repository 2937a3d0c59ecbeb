"""Mounted files with the bare key and URL: named or in a directory, of one moment, and read again when changed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lamini_creds import (
    Context,
    Credential,
    CredentialsNotFoundError,
    Outcome,
    PairingError,
    ProviderInvalid,
    ProviderUnavailable,
    Resolver,
    _read,
)
from lamini_creds.providers.file import FileProvider

if TYPE_CHECKING:
    from collections.abc import Callable

posix = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX files")
as_root = pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() != 0, reason="only root can be somebody else")

KEY, OTHER = "test-key-1", "test-key-2"
URL, ELSEWHERE = "https://lamini.example.com", "https://other.example.com"


def _store(path: Path, text: str | bytes) -> Path:
    """Write a file that only its owner can touch."""
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    path.chmod(0o600)
    return path


def _resolver(environ: dict[str, str] | None = None, home: Path | None = None, /, **options: object) -> Resolver:
    return Resolver({"provider": {"file": options}} if options else {}, environ=environ or {}, home=home)


def _mount(directory: Path, version: int) -> None:
    """Put a new version of a volume in the place of the old one, as the kubelet does, and delete the old one."""
    new = directory / f"..version_{version}"
    new.mkdir()
    _store(new / "key", f"test-key-{version}")
    _store(new / "url", f"https://v{version}.example.com")
    (directory / "..data_next").symlink_to(new.name)
    old = os.path.realpath(directory / "..data")
    (directory / "..data_next").replace(directory / "..data")
    for name in ("key", "url"):
        if not (directory / name).is_symlink():
            (directory / name).symlink_to(f"..data/{name}")
    shutil.rmtree(old, ignore_errors=True)


@pytest.fixture
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Set the clock ahead, so that every file has been left alone for long."""
    monkeypatch.setattr(_read, "time_ns", lambda: time.time_ns() + 10**12)


def test_found_by_variables(tmp_path: Path) -> None:
    """LAMINI_API_KEY_FILE and LAMINI_API_URL_FILE name the files, which are the places."""
    key, url = str(_store(tmp_path / "k", KEY)), str(_store(tmp_path / "u", URL))

    credential = _resolver({"LAMINI_API_KEY_FILE": key, "LAMINI_API_URL_FILE": url}).resolve()

    assert (KEY, URL) == (credential.key, credential.url)
    assert ("file", key, url) == (credential.provider, credential.source, credential.url_source)


def test_found_by_options(tmp_path: Path) -> None:
    """Options name the files, and come before the variables."""
    key, url = str(_store(tmp_path / "k", KEY)), str(_store(tmp_path / "u", URL))
    environ = {"LAMINI_API_KEY_FILE": str(tmp_path / "absent")}

    credential = _resolver(environ, key_file=key, url_file=url).resolve()

    assert (KEY, URL) == (credential.key, credential.url)


def test_found_in_a_directory(tmp_path: Path) -> None:
    """A directory has the files `key` and `url`."""
    _store(tmp_path / "key", KEY)
    _store(tmp_path / "url", URL)

    credential = _resolver(directory=str(tmp_path)).resolve()

    assert (KEY, URL) == (credential.key, credential.url)
    assert (str(tmp_path / "key"), str(tmp_path / "url")) == (credential.source, credential.url_source)


def test_found_below_home(tmp_path: Path) -> None:
    """Files may be named from the home directory."""
    _store(tmp_path / "key", KEY)

    assert _resolver({"LAMINI_API_KEY_FILE": "~/key"}, tmp_path).resolve().key == KEY


@pytest.mark.parametrize("blank", [None, "", " \n"])
def test_absent(blank: str | None) -> None:
    """Where no file is named, or by a blank variable, the variable is what was missed."""
    environ = {} if blank is None else {"LAMINI_API_KEY_FILE": blank, "LAMINI_API_URL_FILE": blank}
    attempts = [attempt for attempt in _resolver(environ).explain().attempts if attempt.entry == "file"]

    assert [(Outcome.MISS, "LAMINI_API_KEY_FILE", "is not set")] == [(a.outcome, a.place, a.reason) for a in attempts]


@pytest.mark.parametrize("variable", ["LAMINI_API_KEY_FILE", "LAMINI_API_URL_FILE"])
def test_named_and_absent(tmp_path: Path, variable: str) -> None:
    """A named file has to exist."""
    with pytest.raises(ProviderInvalid, match="there is no such file") as raised:
        _resolver({variable: str(tmp_path / "absent")}).resolve()

    assert f"file: {tmp_path / 'absent'}" == raised.value.place


def test_named_url_file_absent_beside_a_key(tmp_path: Path) -> None:
    """A named URL file has to exist though there is a key: its default would be another server."""
    environ = {"LAMINI_API_KEY_FILE": str(_store(tmp_path / "k", KEY)), "LAMINI_API_URL_FILE": str(tmp_path / "absent")}

    with pytest.raises(ProviderInvalid, match="there is no such file"):
        _resolver(environ).resolve()


def test_directory_without_a_key(tmp_path: Path) -> None:
    """A directory that holds no key is a miss, and its URL serves another place's key."""
    _store(tmp_path / "url", URL)

    credential = _resolver({"LAMINI__PRODUCTION__KEY": KEY}, directory=str(tmp_path)).resolve()

    assert (KEY, URL) == (credential.key, credential.url)


def test_empty_directory(tmp_path: Path) -> None:
    """An empty directory is a miss."""
    with pytest.raises(CredentialsNotFoundError, match="holds no key"):
        _resolver(directory=str(tmp_path)).resolve()


def test_directory_without_a_url(tmp_path: Path) -> None:
    """A directory with a key alone leaves the URL to others."""
    _store(tmp_path / "key", KEY)

    assert "default" == _resolver(directory=str(tmp_path)).resolve().url_source


@pytest.mark.parametrize("make", [lambda _: None, lambda path: path.write_bytes(b"")], ids=["absent", "a file"])
def test_no_directory(tmp_path: Path, make: Callable[[Path], object]) -> None:
    """A named directory has to exist."""
    make(tmp_path / "mount")

    with pytest.raises(ProviderInvalid, match="there is no such directory"):
        _resolver(directory=str(tmp_path / "mount")).resolve()


@pytest.mark.parametrize("option", ["key_file", "url_file", "directory"])
@pytest.mark.parametrize("path", ["mount", "./mount", "../mount", "~you/mount"])
def test_relative(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, option: str, path: str) -> None:
    """A relative path is refused, whatever is in the working directory, and not repeated: it may be a key."""
    _store(tmp_path / "mount", KEY)
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ProviderInvalid, match="is not an absolute path") as raised:
        _resolver(**{option: path}).resolve()

    assert "file: the file named" == raised.value.place


def test_below_no_home() -> None:
    """A file named from a home directory that there is not says so."""
    with pytest.raises(ProviderInvalid, match="there is no home directory"):
        _resolver({"LAMINI_API_KEY_FILE": "~/key"}).resolve()


@pytest.mark.parametrize(
    "data",
    [
        b"test-key-1\n",
        b"test-key-1\r\n",
        b"\xef\xbb\xbftest-key-1",
        b" \ttest-key-1\n\n",
        b"\xef\xbb\xbf\r\ntest-key-1",
    ],
)
def test_trimmed(tmp_path: Path, data: bytes) -> None:
    """A byte order mark, blanks and line ends around the key are no part of it."""
    assert _resolver(key_file=str(_store(tmp_path / "key", data))).resolve().key == KEY


def test_url_trimmed(tmp_path: Path) -> None:
    """Nor of the URL."""
    _store(tmp_path / "key", KEY)
    _store(tmp_path / "url", b"\xef\xbb\xbf" + URL.encode() + b"/\r\n")

    assert _resolver(directory=str(tmp_path)).resolve().url == URL


@pytest.mark.parametrize("data", [b"", b"\n", b" \r\n\t", b"\xef\xbb\xbf"])
def test_blank_is_absent(tmp_path: Path, data: bytes) -> None:
    """A blank file holds no key."""
    with pytest.raises(CredentialsNotFoundError, match="holds no key"):
        _resolver(key_file=str(_store(tmp_path / "key", data))).resolve()


MALFORMED = {
    "two lines": (b"test-key-1\ntest-key-2\n", "character 11 of the key is a blank"),
    "assignment with blanks": (b"LAMINI_API_KEY = test-key-1", "character 15 of the key is a blank"),
    "NUL": (b"test\x00key", "character 5 of the key is a control character"),
    "invalid UTF-8": (b"test\xffkey", "character 5 of the key is not ASCII"),
    "UTF-16": ("test-key-1".encode("utf-16"), "character 1 of the key is not ASCII"),
    "quoted": (b'"test-key-1"', "the key has quotes around it"),
    "template": (b"${LAMINI_API_KEY}", "the key is a variable that nothing filled in"),
    "whole file": (b"k" * 16385, "the key is longer than 16 KiB"),
    "over 1 MiB": (b"k" * (1024 * 1024 + 1), "is larger than 1 MiB"),
}


@pytest.mark.parametrize(("data", "reason"), MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed(tmp_path: Path, data: bytes, reason: str) -> None:
    """What is no key is refused with the file and the position, and not shown."""
    with pytest.raises(ProviderInvalid, match=reason) as raised:
        _resolver(key_file=str(_store(tmp_path / "k", data))).resolve()

    assert f"file: {tmp_path / 'k'}" == raised.value.place
    assert "test" not in f"{raised.value.reason} {raised.value.remedy}"


@posix
@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (Path.mkdir, "is a directory, not a file"),
        (os.mkfifo, "is a FIFO, not a file"),
        (lambda path: path.symlink_to("/dev/zero"), "is a device, not a file"),
        (lambda path: path.symlink_to("nowhere"), "is a link to nothing"),
        (lambda path: path.symlink_to(path.name), "can't be opened"),
    ],
    ids=["directory", "FIFO", "device", "dangling link", "looping link"],
)
@pytest.mark.parametrize("named", [True, False], ids=["named", "in a directory"])
@pytest.mark.parametrize("name", ["key", "url"])
def test_no_file(tmp_path: Path, make: Callable[[Path], object], reason: str, name: str, *, named: bool) -> None:
    """What is no regular file is an error, named or in a directory."""
    make(tmp_path / name)
    options = {f"{name}_file": str(tmp_path / name)} if named else {"directory": str(tmp_path)}

    with pytest.raises(ProviderInvalid, match=reason) as raised:
        _resolver(**options).resolve()

    assert f"file: {tmp_path / name}" == raised.value.place


@posix
@pytest.mark.parametrize("name", ["key", "url"])
def test_changeable_by_others(tmp_path: Path, name: str) -> None:
    """A file that others may change is refused, with the file and the chmod."""
    _store(tmp_path / "key", KEY)
    _store(tmp_path / "url", URL)
    (tmp_path / name).chmod(0o666)

    with pytest.raises(ProviderInvalid, match="can be changed by other users") as raised:
        _resolver(directory=str(tmp_path)).resolve()

    assert f"chmod 600 {tmp_path / name}" in raised.value.remedy


@posix
def test_permissions_off(tmp_path: Path) -> None:
    """The user can say that an open file is meant so."""
    _store(tmp_path / "key", KEY).chmod(0o666)

    assert _resolver(directory=str(tmp_path), permissions="off").resolve().key == KEY


@as_root
def test_owned_by_another_user(tmp_path: Path) -> None:
    """A key file of somebody else is refused."""
    os.chown(_store(tmp_path / "key", KEY), 12345, 12345)

    with pytest.raises(ProviderInvalid, match="holds a key and belongs to another user"):
        _resolver(directory=str(tmp_path)).resolve()


@as_root
def test_a_variable_accepts_another_owner(tmp_path: Path) -> None:
    """A container takes a secret that is mounted with its owner on the host, if its environment says so."""
    os.chown(_store(tmp_path / "key", KEY), 12345, 12345)
    environ = {"LAMINI_API_KEY_FILE": str(tmp_path / "key"), "LAMINI_CREDS__FILE__PERMISSIONS": "off"}

    assert _resolver(environ).resolve().key == KEY


@as_root
def test_directory_closed_to_us() -> None:
    """A named directory that this user may not enter is an error, not an empty one."""
    mount = Path(tempfile.mkdtemp())
    _store(mount / "key", KEY)
    code = (
        "import os, sys, msgspec; import lamini_creds; from lamini_creds import _layers, _options, _hints\n"
        "from lamini_creds.providers import env, file, yaml\n"
        "os.setgroups([]); os.setresgid(*[12345] * 3); os.setresuid(*[12345] * 3); os.chdir('/')\n"
        "settings = {'provider': {'file': {'directory': sys.argv[1]}}}\n"
        "print(lamini_creds.Resolver(settings, environ={}).explain().error)"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code, str(mount)], capture_output=True, text=True, check=True, timeout=60
    )
    shutil.rmtree(mount)

    assert f"file: {mount}: is closed to this user" in ran.stdout


def test_variables_speak_for_the_ambient_profile(tmp_path: Path) -> None:
    """A caller who names another profile does not get the files that variables name."""
    resolver = _resolver({"LAMINI_API_KEY_FILE": str(_store(tmp_path / "k", KEY))})

    with pytest.raises(CredentialsNotFoundError):
        resolver.resolve(profile="staging")


def test_variables_under_an_ambient_profile(tmp_path: Path) -> None:
    """They speak for whichever profile is the ambient one."""
    environ = {"LLAMA_ENVIRONMENT": "STAGING", "LAMINI_API_KEY_FILE": str(_store(tmp_path / "k", KEY))}

    assert "https://staging.lamini.ai" == _resolver(environ).resolve().url


def test_named_key_with_the_directorys_url(tmp_path: Path) -> None:
    """A named key without a URL takes that of the directory, the nearest there is."""
    _store(tmp_path / "url", URL)

    credential = _resolver(key_file=str(_store(tmp_path / "k", KEY)), directory=str(tmp_path)).resolve()

    assert (KEY, URL) == (credential.key, credential.url)


def test_the_directorys_key_stays_with_its_url(tmp_path: Path) -> None:
    """A key that a directory holds beside a URL goes to no other that a variable names."""
    _store(tmp_path / "key", KEY)
    _store(tmp_path / "url", URL)
    environ = {"LAMINI_API_URL_FILE": str(_store(tmp_path / "elsewhere", ELSEWHERE))}

    with pytest.raises(PairingError):
        _resolver(environ, directory=str(tmp_path)).resolve()


def test_without_a_chain(tmp_path: Path) -> None:
    """The provider alone answers with the first place that has a key."""
    _store(tmp_path / "key", KEY)
    provider = FileProvider(directory=str(tmp_path))
    secret = provider.provide(Context())

    assert secret is not None
    assert secret.key == KEY
    assert len(provider.state(Context())) == 2  # type: ignore[arg-type]  # a tuple: one state a place


def test_two_edits_in_one_tick(tmp_path: Path) -> None:
    """A file of the same size and time is read again, if it has just been changed."""
    path, resolver, seen = tmp_path / "key", _resolver(directory=str(tmp_path)), []
    keys = [f"test-key-{number}" for number in range(100, 200)]
    for key in keys:
        os.utime(_store(path, key), ns=(0, 0))
        seen.append(resolver.resolve().key)

    assert keys == seen


@pytest.mark.usefixtures("settled")
def test_a_deleted_file_is_seen(tmp_path: Path) -> None:
    """A file that is gone counts no more."""
    path, resolver = _store(tmp_path / "key", KEY), _resolver(directory=str(tmp_path))
    resolver.resolve()

    path.unlink()

    with pytest.raises(CredentialsNotFoundError):
        resolver.resolve()


@pytest.mark.usefixtures("settled")
def test_a_deleted_directory_is_seen(tmp_path: Path) -> None:
    """A directory that goes after its files is an error, and comes back as good as new."""
    mount = tmp_path / "mount"
    mount.mkdir()
    resolver = _resolver({"LAMINI__PRODUCTION__KEY": KEY}, directory=str(mount))
    before = resolver.resolve().key
    mount.rmdir()
    with pytest.raises(ProviderInvalid, match="there is no such directory"):
        resolver.resolve()
    mount.mkdir()
    _store(mount / "url", URL)

    assert (KEY, URL) == (before, resolver.resolve().url)


@pytest.mark.usefixtures("settled")
def test_a_created_file_is_seen(tmp_path: Path) -> None:
    """A URL that is mounted later counts at once."""
    _store(tmp_path / "key", KEY)
    resolver = _resolver(directory=str(tmp_path))
    before = resolver.resolve().url

    _store(tmp_path / "url", URL)

    assert ["https://api.lamini.ai", URL] == [before, resolver.resolve().url]


def test_a_changed_variable_is_seen(tmp_path: Path) -> None:
    """A variable that names another file counts at once."""
    environ = {"LAMINI_API_KEY_FILE": str(_store(tmp_path / "one", KEY))}
    resolver = _resolver(environ)
    before = resolver.resolve().key

    environ["LAMINI_API_KEY_FILE"] = str(_store(tmp_path / "two", OTHER))

    assert [KEY, OTHER] == [before, resolver.resolve().key]


@posix
@pytest.mark.usefixtures("settled")
def test_a_swapped_volume_is_seen(tmp_path: Path) -> None:
    """A new version of a Kubernetes volume counts at the next call."""
    resolver, seen = _resolver(directory=str(tmp_path)), []
    for version in range(5):
        _mount(tmp_path, version)
        seen.append(resolver.resolve().key)

    assert [f"test-key-{version}" for version in range(5)] == seen


def _options(layout: str, mount: Path) -> dict[str, str]:
    if layout == "directory":
        return {"directory": str(mount)}
    if layout == "link to the directory":
        (mount.parent / "link").symlink_to(mount)
        return {"directory": str(mount.parent / "link")}
    return {"key_file": str(mount / "key"), "url_file": str(mount / "url")}


@posix
@pytest.mark.parametrize("layout", ["directory", "link to the directory", "named files"])
def test_never_a_mixed_pair(tmp_path: Path, layout: str) -> None:
    """While the kubelet swaps a volume, key and URL are always of one version, and always found."""
    mount = tmp_path / "mount"
    mount.mkdir()
    _mount(mount, 0)
    resolver, done = _resolver(**_options(layout, mount)), threading.Event()

    def swap() -> None:
        try:
            for version in range(1, 201):
                _mount(mount, version)
        finally:
            done.set()

    writer = threading.Thread(target=swap)
    writer.start()
    seen: list[Credential] = []
    while not done.is_set():
        seen.append(resolver.resolve())
    writer.join()
    versions = {
        (found.key.removeprefix("test-key-"), found.url[len("https://v") : -len(".example.com")]) for found in seen
    }

    assert all(key == url for key, url in versions)
    assert len(versions) > 1


@posix
def test_a_volume_that_never_rests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A link that points elsewhere at every look makes the place unavailable, not the reader wait for ever."""
    _mount(tmp_path, 0)
    real, looks = os.path.realpath, iter(range(10**6))
    monkeypatch.setattr(os.path, "realpath", lambda path: f"{real(path)}-{next(looks)}")

    with pytest.raises(ProviderUnavailable, match="changes faster than it can be read"):
        _resolver(directory=str(tmp_path)).resolve()
