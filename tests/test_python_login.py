"""`lamini_creds.login()`: in Python and in notebooks; and that storing a key shows nothing of it."""

from __future__ import annotations

import getpass
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
from support import install

from lamini_creds import ConfigError, CredentialError, CredentialWarning, ProviderInvalid, Resolver, _login
from lamini_creds._credential import Hidden
from lamini_creds._login import login
from lamini_creds.testing import assert_no_leak

KEY = "test-key-c4n4ry9f8e7d"
ROOT = Path(__file__).parent.parent
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="modes and links of POSIX")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's home directory, and nothing in the environment or around that says more."""
    home = tmp_path / "home"
    (home / ".git").mkdir(parents=True)
    for name in [name for name in os.environ if name.startswith(("LAMINI", "LLAMA", "XDG_"))]:
        monkeypatch.delenv(name)
    for name in ("HOME", "USERPROFILE", "APPDATA"):
        monkeypatch.setenv(name, str(home))
    monkeypatch.chdir(home)
    return home


@pytest.fixture
def file(home: Path) -> Path:
    return home / ".powerml" / "configure_llama.yaml"


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], list[str]]:
    """Type a key; a notebook puts its own way to ask in the place of getpass's, as is done here."""

    def type_key(key: str) -> list[str]:
        prompts: list[str] = []

        def ask(prompt: str) -> str:
            prompts.append(prompt)
            return key

        monkeypatch.setattr(getpass, "getpass", ask)
        return prompts

    return type_key


def test_a_notebook_asks_its_own_way(typed: Callable[[str], list[str]], file: Path) -> None:
    """The key is asked for by getpass, stored, and found from then on; the file's name is given back."""
    prompts = typed(KEY)
    given = login()

    assert (str(file), ["Key for the profile production (it is not shown): "]) == (given, prompts)
    assert (KEY, str(file)) == ((found := Resolver().resolve()).key, found.source)


def test_profile_and_url(typed: Callable[[str], list[str]]) -> None:
    """A key is stored for a profile with its URL."""
    typed(KEY)
    login(profile="lab", url="https://a.test")

    assert (KEY, "https://a.test") == ((found := Resolver().resolve(profile="lab")).key, found.url)


def test_a_key_is_seen_by_a_resolver_that_runs(typed: Callable[[str], list[str]]) -> None:
    """What is in use meanwhile finds the new key at the next call."""
    resolver = Resolver()
    for key in ("test-key-1", "test-key-2"):
        typed(key)
        login()

        assert key == resolver.resolve().key


def test_copied(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, home: Path) -> None:
    """A provider's key is copied without a question."""
    install(tmp_path, monkeypatch)
    login(provider="acme")

    assert ("test-key-here", "yaml") == ((found := Resolver().resolve()).key, found.provider)


def test_what_comes_first_is_a_warning(
    typed: Callable[[str], list[str]], monkeypatch: pytest.MonkeyPatch, home: Path
) -> None:
    """In Python what the command prints is a warning, at the line that called."""
    typed(KEY)
    monkeypatch.setenv("LAMINI_API_KEY", "test-key-2")
    with pytest.warns(CredentialWarning, match="env: LAMINI_API_KEY comes first") as caught:
        login()

    assert [__file__] == [warning.filename for warning in caught]


def test_plain_http_in_a_private_network_is_a_warning(typed: Callable[[str], list[str]], home: Path) -> None:
    """The core's own warning about the URL is given on."""
    typed(KEY)
    with pytest.warns(CredentialWarning, match="readable on the way"):
        login(url="http://gpu:8000")


@pytest.mark.parametrize("key", [f"'{KEY}'", f"Bearer {KEY}", "\N{EURO SIGN}" + KEY, KEY * 1000])
def test_a_refused_key_shows_nowhere(typed: Callable[[str], list[str]], home: Path, key: str) -> None:
    """The error, its traceback and its locals have no key; nothing is written."""
    typed(key)
    with pytest.raises(ProviderInvalid) as caught:
        login()

    assert_no_leak(KEY, caught.value)
    assert not (home / ".powerml").exists()


@pytest.mark.parametrize("text", ["production: {{key: [{}", "production: {{key: &k {}}}\nother: *k\n"])
def test_a_file_that_is_not_edited_shows_nowhere(typed: Callable[[str], list[str]], file: Path, text: str) -> None:
    """Neither the stored key nor the new one is in the error of a file that is left alone."""
    typed("test-key-brand-new")
    file.parent.mkdir(mode=0o700)
    file.touch(mode=0o600)
    file.write_text(text.format(KEY))
    with pytest.raises(ProviderInvalid) as caught:
        login()

    assert_no_leak(KEY, caught.value)
    assert_no_leak("test-key-brand-new", caught.value)


def test_a_misplaced_key_is_not_shown(typed: Callable[[str], list[str]], home: Path) -> None:
    """A key that was passed as the URL is not repeated."""
    typed("test-key-1")
    with pytest.raises(ProviderInvalid) as caught:
        login(url=KEY)

    assert_no_leak(KEY, caught.value)


@pytest.mark.parametrize(("raised", "reason"), [(RuntimeError(KEY), "no terminal to ask"), (EOFError(), "input ended")])
def test_a_front_end_that_takes_no_input(
    monkeypatch: pytest.MonkeyPatch, home: Path, raised: Exception, reason: str
) -> None:
    """Where a notebook is run without anybody, the error says what to do."""

    def refuse(_: str) -> str:
        raise raised

    monkeypatch.setattr(getpass, "getpass", refuse)
    with pytest.raises(CredentialError, match=reason) as caught:
        login()

    assert_no_leak(KEY, caught.value)


def test_the_key_is_never_echoed(home: Path) -> None:
    """Without a terminal the standard input is not read: it would not be hidden."""
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r})\nfrom lamini_creds._login import login\nlogin()"
    ran = subprocess.run(
        [sys.executable, "-c", code], input=KEY, env={**os.environ, "HOME": str(home)},
        capture_output=True, text=True, check=False, timeout=60, start_new_session=True,
    )  # fmt: skip

    assert "CredentialError: there is no terminal to ask" in ran.stderr
    assert_no_leak(KEY, ran.stdout, ran.stderr)


@POSIX
def test_a_file_that_others_read_becomes_private(typed: Callable[[str], list[str]], file: Path) -> None:
    """A stored key that others can read is a warning before a login, and none after it."""
    typed(KEY)
    file.parent.mkdir(mode=0o700)
    file.write_text("production: {key: old}")
    file.chmod(0o644)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        login()

    assert 0o600 == file.stat().st_mode & 0o777


@POSIX
def test_a_link_to_nothing(typed: Callable[[str], list[str]], file: Path) -> None:
    """A link that leads nowhere is told, and not followed by guess."""
    typed(KEY)
    file.parent.mkdir(mode=0o700)
    file.symlink_to("gone")
    with pytest.raises(ProviderInvalid, match="is a link to nothing"):
        login()


def test_another_url_is_found_beside_the_key(home: Path, file: Path) -> None:
    """A URL that is stored with the profile is what the new key is judged by, and is told as the file's."""
    file.parent.mkdir(mode=0o700)
    file.touch(mode=0o600)
    file.write_text("production:\n  url: http://public.test\n")
    with pytest.raises(ProviderInvalid, match="plain http to a public host") as caught:
        _login.store(Resolver(), Hidden(KEY), Hidden(None), "production")

    assert str(file) == caught.value.place


@pytest.mark.parametrize("name", ["a b", "", KEY.upper() + "!"])
def test_what_is_no_provider_is_not_repeated(home: Path, name: str) -> None:
    """What can't be a provider's name may be a key."""
    with pytest.raises(ConfigError, match="is not a provider's name") as caught:
        login(provider=name)

    assert_no_leak(KEY.upper(), str(caught.value))
