"""
Which URL a key may go to: every combination of places, against DESIGN.md's section 5 written down once more.

The oracle below knows nothing of the package: it is the section's rules over
a plain description of who holds what.
"""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lamini_creds import (
    Context,
    CredentialsNotFoundError,
    PairingError,
    ProviderInvalid,
    Resolver,
    Secret,
    UntrustedConfigError,
)
from lamini_creds.testing import StaticProvider, resolver_of

if TYPE_CHECKING:
    from lamini_creds import Credential

URLS = (
    None, "https://a.test", "https://a.test/base", "https://a.test:9999", "https://b.test",
    "http://localhost:9000", "https://localhost:9000",
)  # fmt: skip
ORIGINS = ("https://a.test", "https://b.test", "https://c.test")
DEFAULT = "https://api.lamini.ai"
PLACES = ("explicit", "env", "file", "yaml1", "yaml2", "mine", "store")
BEHIND = {"env": ("env",), "file": ("file",), "yaml": ("yaml1", "yaml2"), "yaml:mine": ("mine",), "store": ("store",)}
LABELS = tuple(BEHIND)


@dataclass(frozen=True)
class World:
    """Who holds what: for each place whether it has a key, and its URL; and how the chain is ordered."""

    keys: frozenset[str]
    urls: dict[str, str | None]
    order: tuple[str, ...]
    allowed: tuple[str, ...]
    hostile: tuple[str, ...] | None

    def url(self, place: str) -> str | None:
        return self.urls.get(place)


def orders() -> st.SearchStrategy[tuple[str, ...]]:
    return st.permutations(LABELS).flatmap(lambda all_: st.integers(1, 5).map(lambda count: tuple(all_[:count])))


worlds = st.builds(
    World,
    keys=st.frozensets(st.sampled_from(PLACES), max_size=4),
    urls=st.dictionaries(st.sampled_from(PLACES), st.sampled_from(URLS), max_size=4),
    order=orders(),
    allowed=st.lists(st.sampled_from(ORIGINS), max_size=2, unique=True).map(tuple),
    hostile=st.none() | orders(),
)


def origin(url: str) -> str:
    return "/".join(url.split("/")[:3])


def url_places(world: World) -> list[str]:
    """Rule 2: explicit, env, file and yaml, nearest first, in the trusted order, listed or not."""
    yaml = [label for label in world.order if label.startswith("yaml")]
    yaml += [] if "yaml" in yaml else ["yaml"]
    return ["explicit", "env", "file", *(place for label in yaml for place in BEHIND[label])]


def own_url(world: World, place: str) -> str:
    """Rules 1 and 2: what a place's key is stored with, else the nearest URL, else the profile's default."""
    nearest = next((url for other in url_places(world) if (url := world.url(other))), DEFAULT)
    return world.url(place) or nearest


def trusted_pairs(world: World) -> set[tuple[str, str]]:
    """Every pair of key and origin that trusted places made, or that `allow_origins` lets happen."""
    pairs = {(place, origin(own_url(world, place))) for place in world.keys}
    return pairs | {(place, allowed) for place in world.keys for allowed in world.allowed if world.url(place)}


def expected(world: World) -> tuple[str, str] | type[Exception]:
    """Say what a call gives: the place of the key and the URL, or the error."""
    if world.hostile is not None and not set(world.hostile) <= set(world.order):
        return UntrustedConfigError
    walked = ["explicit", *(place for label in world.hostile or world.order for place in BEHIND[label])]
    holder = next((place for place in walked if place in world.keys), None)
    if holder is None:
        return CredentialsNotFoundError
    higher = [url for place in walked[: walked.index(holder)] if (url := world.url(place))]
    own = own_url(world, holder)
    if world.url(holder) is None or not higher:
        return holder, own
    if origin(higher[0]) == origin(own) or origin(higher[0]) in world.allowed:
        return holder, higher[0]
    return PairingError


class Machine:
    """A world on disk: a home, a checkout, variables and a store."""

    def __init__(self, world: World, root: Path) -> None:
        self.world, self.root = world, root
        self.home = root / "home"
        self.environ = {"HOME": str(self.home)}
        self._write("home/.lamini/configure.yaml", "yaml1")
        self._write("home/.powerml/configure_llama.yaml", "yaml2")
        self._write("mine.yaml", "mine")
        self._set("env", "LAMINI_API_KEY", "LAMINI_API_URL")
        self._set("file", "LAMINI_API_KEY_FILE", "LAMINI_API_URL_FILE")
        (root / "checkout" / ".git").mkdir(parents=True)
        config = self.home / ".config" / "lamini_creds" / "config.toml"
        config.parent.mkdir(parents=True)
        config.write_text(f"providers = {list(world.order)}\nallow_origins = {list(world.allowed)}\n{self._table()}")
        if world.hostile is not None:
            project = root / "checkout" / "pyproject.toml"
            project.write_text(f"[tool.lamini_creds]\nproviders = {list(world.hostile)}\n")

    def _table(self) -> str:
        return f'[provider."yaml:mine"]\npath = "{self.root}/mine.yaml"\n' if "yaml:mine" in self.world.order else ""

    def _write(self, name: str, place: str) -> None:
        lines = [f"  key: test-key-{place}"] if place in self.world.keys else []
        lines += [f"  url: {url}"] if (url := self.world.url(place)) else []
        file = self.root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        if lines or place == "mine":
            file.write_text("production:\n" + "\n".join(lines) + "\n")
            file.chmod(0o600)

    def _set(self, place: str, key: str, url: str) -> None:
        values = {key: f"test-key-{place}" if place in self.world.keys else None, url: self.world.url(place)}
        for variable, value in values.items():
            if value and variable.endswith("_FILE"):
                file = self.root / variable
                file.write_text(value)
                file.chmod(0o600)
                value = str(file)  # noqa: PLW2901  # the variable names the file
            if value:
                self.environ[variable] = value

    def resolve(self) -> Credential:
        resolver = Resolver(environ=self.environ, home=self.home)
        held = "test-key-store" if "store" in self.world.keys else None
        secret = Secret(held, url=self.world.url("store"), source="store")

        class Store:
            def provide(self, _context: Context) -> Secret:
                return secret

        resolver._setup.registry.offer("store", Store)
        key = "test-key-explicit" if "explicit" in self.world.keys else None
        with contextlib.chdir(self.root / "checkout"):
            return resolver.resolve(key=key, url=self.world.url("explicit"))


def outcome(world: World) -> tuple[str, str] | type[Exception]:
    with tempfile.TemporaryDirectory() as root:
        try:
            found = Machine(world, Path(root).resolve()).resolve()
        except (PairingError, CredentialsNotFoundError, UntrustedConfigError) as error:
            return type(error)
    return found.key.removeprefix("test-key-"), found.url


@settings(max_examples=150, deadline=None)
@given(world=worlds)
def test_every_combination_of_places(world: World) -> None:
    """Whatever places hold, in whatever order, the answer is what section 5 says."""
    if {"explicit"} <= world.keys and world.url("explicit"):
        assert ("explicit", world.url("explicit")) == outcome(world)
    else:
        assert expected(world) == outcome(world)


@settings(max_examples=75, deadline=None)
@given(world=worlds, hostile=orders())
def test_no_order_of_a_checkout_makes_a_pair(world: World, hostile: tuple[str, ...]) -> None:
    """Without trust, every pair of key and origin that can be reached was made by trusted places."""
    kept = tuple(label for label in hostile if label in world.order)
    found = outcome(World(world.keys, world.urls, world.order, world.allowed, kept))

    assert isinstance(found, type) or (found[0], origin(found[1])) in trusted_pairs(world)


@pytest.mark.parametrize("hostile", [("env",), ("yaml", "env"), ("yaml", "yaml:mine", "env")])
def test_a_dropped_place_keeps_its_url(hostile: tuple[str, ...]) -> None:
    """A checkout can't part a key from its URL by dropping the file where that stands, or moving it back."""
    urls = {"mine": "https://a.test", "yaml1": "https://b.test"}

    assert ("env", "https://a.test") == outcome(
        World(frozenset({"env"}), dict(urls), ("yaml:mine", "yaml", "env"), (), hostile)
    )


def test_a_path_is_the_higher_places() -> None:
    """A higher place may name another path of the same origin."""
    environ = {"LAMINI_API_URL": "https://a.test/v2"}
    store = StaticProvider(Secret("test-key", url="https://a.test/v1", source="vault"))
    found = resolver_of({"store": store}, {"providers": ["env", "store"]}, environ=environ).resolve()

    assert ("https://a.test/v2", "LAMINI_API_URL") == (found.url, found.url_source)


@pytest.mark.parametrize(
    ("named", "goes"),
    [
        ("https://A.TEST:443/x", True),
        ("https://a.test:9999", False),
        ("http://a.test", False),
        ("http://a.test:443", False),
        ("https://a.test.", False),
        ("https://b.a.test", False),
    ],
)
def test_an_origin_is_more_than_a_host(named: str, goes: bool) -> None:  # a column of the table
    """A key that is stored with a URL goes to its scheme, host and port, and to nothing else on the host."""
    store = StaticProvider(Secret("test-key", url="https://a.test"))
    rules = {"providers": ["env", "store"], "http": "any"}
    asking = resolver_of({"store": store}, rules, environ={"LAMINI_API_URL": named})

    assert goes is not isinstance(asking.explain().error, PairingError)


def test_both_places_are_named() -> None:
    """A refused pair names the key's place and the URL's, and the ways out."""
    store = StaticProvider(Secret("test-key", url="https://a.test", source="vault/a"))
    asking = resolver_of(
        {"store": store}, {"providers": ["env", "store"]}, environ={"LAMINI_API_URL": "https://b.test"}
    )
    with pytest.raises(PairingError) as caught:
        asking.resolve()
    shown = str(caught.value)

    assert [] == [text for text in ("vault/a", "LAMINI_API_URL", "allow_origins", "together") if text not in shown]


def test_allow_origins_compares_origins() -> None:
    """An origin is allowed however it is written."""
    store = StaticProvider(Secret("test-key", url="https://a.test"))
    rules = {"providers": ["env", "store"], "allow_origins": ["HTTPS://B.test:443/"]}
    asking = resolver_of({"store": store}, rules, environ={"LAMINI_API_URL": "https://b.test/x"})

    assert "https://b.test/x" == asking.resolve().url


@pytest.mark.parametrize("claimed", ["explicit", "LAMINI_API_URL"])
def test_a_stores_url_is_for_its_own_keys(claimed: str) -> None:
    """A remote entry's URL is never given to another place's key, whatever source it claims."""
    environ = {"LAMINI_API_KEY": "test-key"}
    store = StaticProvider(Secret(url="https://b.test", source=claimed))
    asking = resolver_of({"store": store}, {"providers": ["store", "env"]}, environ=environ)

    assert DEFAULT == asking.resolve().url


@pytest.mark.parametrize("listed", ["yaml", "env"], ids=["in the order", "omitted"])
def test_a_url_place_that_can_not_be_read(tmp_path: Path, listed: str) -> None:
    """A broken file where the URL may stand is an error, never a reason for the default."""
    file = tmp_path / ".lamini" / "configure.yaml"
    file.parent.mkdir()
    file.write_text("production: [")
    order = ["env", listed] if listed != "env" else ["env"]
    with pytest.raises(ProviderInvalid, match=r"configure\.yaml: line 2"):
        Resolver({"providers": order}, environ={"LAMINI_API_KEY": "test-key"}, home=tmp_path).resolve()


def test_a_url_place_whose_options_are_wrong() -> None:
    """A mistake in the options of a place that has URLs counts even where the order omits it."""
    rules = {"providers": ["env"], "provider": {"yaml": {"pth": "x"}}}
    error = Resolver(rules, environ={"LAMINI_API_KEY": "test-key"}).explain().error

    assert "did you mean 'path'?" in str(error)


def test_a_profile_without_a_default() -> None:
    """A key without any URL, in a profile that has no default, goes nowhere."""
    with pytest.raises(ProviderInvalid, match="the profile 'blue' has no URL"):
        Resolver({"profile": "blue"}, environ={"LAMINI_API_KEY": "test-key"}).resolve()


@pytest.mark.parametrize(
    ("http", "url", "goes"),
    [
        ("loopback", "http://localhost:1", True),
        ("loopback", "http://10.0.0.1", False),
        ("private", "http://8.8.8.8", False),
        ("any", "http://8.8.8.8", True),
        (["http://8.8.8.8"], "http://8.8.8.8", True),
        (["http://8.8.8.8"], "http://8.8.8.8:81", False),
        (["http://8.8.8.8"], "http://10.0.0.1", False),
        ([], "http://127.0.0.1", True),
    ],
)
@pytest.mark.filterwarnings("ignore::lamini_creds.CredentialWarning")
def test_plain_http(http: object, url: str, goes: bool) -> None:  # a column of the table
    """`http` says where a key may go unencrypted; a refusal prints the line that would allow it."""
    error = Resolver({"http": http}, environ={}).explain(key="test-key", url=url).error

    assert (goes, not goes) == (error is None, f'http = ["{url}"]' in str(error))
