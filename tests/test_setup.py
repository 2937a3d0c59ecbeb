"""What a resolver reads once, and the chains that it makes."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from support import Disk

from lamini_creds import ConfigError, CredentialWarning, Resolver, Secret
from lamini_creds._credential import Hidden
from lamini_creds._setup import home_directory
from lamini_creds.testing import ScriptedProvider, resolver_of

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("code", "environ", "user", "profile"),
    [
        ("a", {"LAMINI_CREDS_PROFILE": "b", "LLAMA_ENVIRONMENT": "LOCAL"}, "d", "a"),
        ("", {"LAMINI_CREDS_PROFILE": "b", "LLAMA_ENVIRONMENT": "LOCAL"}, "d", "b"),
        ("", {"LLAMA_ENVIRONMENT": "LOCAL"}, "d", "local"),
        ("", {"LLAMA_ENVIRONMENT": "STAGING"}, "d", "staging"),
        ("", {"LLAMA_ENVIRONMENT": "production"}, "d", "production"),
        ("", {"LLAMA_ENVIRONMENT": " "}, "d", "d"),
        ("", {}, "d", "d"),
        ("", {}, "", "production"),
    ],
)
def test_the_ambient_profile(disk: Disk, code: str, environ: dict[str, str], user: str, profile: str) -> None:
    """It is named by code, LAMINI_CREDS_PROFILE, the service's variable, a file, or nobody, in this order."""
    disk.write(user=f"profile = '{user}'" if user else "")
    resolver = disk.resolver({"profile": code} if code else None, **environ)

    assert profile == resolver.explain().profile


@pytest.mark.parametrize(
    ("code", "environ", "profile"),
    [
        ({"profile": "a"}, {"LAMINI_CREDS_PROFILE": "b"}, "a"),
        ({"default_profile": "a", "profile": {"a": {}}}, {}, "a"),
        (None, {"LAMINI_CREDS_PROFILE": "b"}, "b"),
        (None, {"LLAMA_ENVIRONMENT": "LOCAL"}, "local"),
        (None, {}, "production"),
    ],
)
def test_the_profile_of_key_and_url(
    disk: Disk, code: dict[str, object] | None, environ: dict[str, str], profile: str
) -> None:
    """Key and URL passed together are of the ambient profile, as far as code and environment tell."""
    found = disk.resolver(code, **environ).resolve(key="test-key", url="https://a.test")

    assert profile == found.profile


def test_key_and_url_together_read_no_file(disk: Disk) -> None:
    """A broken file of settings is no matter to a caller who has key and URL."""
    disk.write(user="= nonsense", site="= nonsense")

    assert "test-key" == disk.resolver().resolve(key="test-key", url="https://a.test").key


@pytest.mark.parametrize("profile", ["", "a b", "-a", "a" * 65, "é"])
def test_what_is_no_profile(disk: Disk, profile: str) -> None:
    """A name that no profile can have is refused, and not shown raw."""
    with pytest.raises(ConfigError, match="profile=: is not a profile's name"):
        disk.resolver().resolve(profile=profile)


def test_the_ambient_profile_by_name_is_ambient(disk: Disk) -> None:
    """Asking for the ambient profile by its name is asking for the ambient profile."""
    resolver = disk.resolver(LAMINI_API_KEY="test-key", LAMINI_CREDS_PROFILE="staging")

    assert resolver.resolve().key == resolver.resolve(profile="staging").key


def test_a_thousand_profiles(disk: Disk) -> None:
    """A program that makes up profiles leaves a bounded number of chains, and the ambient one among them."""
    environ = {"LAMINI_API_KEY": "test-key"} | {f"LAMINI__P{number}__KEY": f"test-key-{number}" for number in range(9)}
    resolver = disk.resolver(**environ)
    ambient = resolver.resolve()
    for number in range(1000):
        resolver.explain(profile=f"p{number}")

    kept = len(resolver._setup.chains) + len(resolver._setup._resting)

    assert (True, True) == (kept <= 260, resolver.resolve() is ambient)


def test_a_profile_in_use_is_kept() -> None:
    """What is known of a profile that is asked for again and again outlives profiles that are made up."""
    store = ScriptedProvider(Secret("test-key-1", url="https://a.test"))
    resolver = resolver_of({"store": store})
    for number in range(500):
        resolver.resolve(profile="hot")
        resolver.resolve(profile=f"p{number}")

    assert 1 == sum(context.profile == "hot" for context in store.contexts)


def test_a_profile_that_was_put_aside_is_invalidated() -> None:
    """A rejected key is asked for anew though many profiles came after its own."""
    store = ScriptedProvider(Secret("test-key-1", url="https://a.test"))
    resolver = resolver_of({"store": store})
    resolver.resolve()
    rejected = resolver.resolve(profile="old")
    for number in range(150):
        resolver.resolve(profile=f"p{number}")
    store.answer = Secret("test-key-2", url="https://a.test")
    resolver.invalidate(rejected)

    assert "test-key-2" == resolver.resolve(profile="old").key


def test_a_thousand_profiles_in_threads(disk: Disk) -> None:
    """Chains may be forgotten while other threads ask for theirs."""
    resolver = disk.resolver({"profile": {"x": {}}})
    with ThreadPoolExecutor(4) as pool:
        profiles = list(pool.map(lambda number: resolver.explain(profile=f"p{number}").profile, range(1000)))

    assert [f"p{number}" for number in range(1000)] == profiles


def test_a_warning_is_given_once(disk: Disk) -> None:
    """An odd LLAMA_ENVIRONMENT means production, and is told once per resolver."""
    resolver = disk.resolver(LAMINI_API_KEY="test-key", LLAMA_ENVIRONMENT="local")
    with pytest.warns(CredentialWarning, match="neither LOCAL nor STAGING"):
        resolver.resolve()

    assert "production" == resolver.resolve(profile="production").profile


@pytest.mark.parametrize(
    ("environ", "home"),
    [({"HOME": "/home/x"}, "/home/x"), ({"HOME": ""}, None), ({"HOME": "x"}, None), ({}, None)],
    ids=["set", "blank", "relative", "absent"],
)
def test_the_home_directory(monkeypatch: pytest.MonkeyPatch, environ: dict[str, str], home: str | None) -> None:
    """It is HOME where that is an absolute path; an environment given in Python has no other."""
    monkeypatch.setattr("sys.platform", "linux")

    assert home == home_directory(Hidden(environ), own=False)


def test_no_home_is_no_error() -> None:
    """Without a home directory its files are misses with that reason."""
    attempts = Resolver(environ={"LAMINI_CREDS_NO_PROJECT": "1"}).explain().attempts

    assert ["there is no home directory"] * 2 == [attempt.reason for attempt in attempts if attempt.entry == "yaml"]
