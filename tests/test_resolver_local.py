"""The law of caching, for local places: the answer is what a fresh walk would give."""

from __future__ import annotations

import logging
import os
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import CountingProvider

from lamini_creds import CredentialError, CredentialsNotFoundError, CredentialWarning, Resolver, Secret
from lamini_creds.testing import resolver_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamini_creds import Context

VARIABLES = (
    "LAMINI_API_KEY",
    "LAMINI_API_URL",
    "LAMINI__PRODUCTION__KEY",
    "LAMINI__PRODUCTION__URL",
    "LAMINI_API_KEY_FILE",
    "LAMINI_API_URL_FILE",
)
FILES = (".lamini/configure.yaml", ".powerml/configure_llama.yaml", "key", "url")
TEXTS = (
    "production: {key: test-key-1, url: 'https://a.test'}",
    "production: {key: test-key-2}",
    "production: {url: 'https://b.test/x'}",
    "production: [",
    "test-key-3",
    "https://c.test",
    "",
)
VALUES = ("test-key-4", "test-key-5", "https://d.test", "https://e.test", "", " ", "<key>")

Step = tuple[str, str, str | None]

steps = st.lists(
    st.tuples(st.just("set"), st.sampled_from(VARIABLES), st.sampled_from((None, *VALUES, "{home}/key", "{home}/url")))
    | st.tuples(st.just("write"), st.sampled_from(FILES), st.sampled_from((None, *TEXTS)))
    | st.tuples(st.just("mode"), st.sampled_from(FILES), st.sampled_from(("600", "622"))),
    max_size=12,
)


class World:
    """An environment and a home that change from step to step."""

    def __init__(self, root: str) -> None:
        self.home = Path(root).resolve()
        self.environ: dict[str, str] = {}

    def take(self, step: Step) -> None:
        what, name, value = step
        path = self.home / name
        if what == "set":
            self.environ.pop(name, None)
            if value is not None:
                self.environ[name] = value.format(home=self.home)
        elif what == "write" and value is not None:
            path.parent.mkdir(exist_ok=True)
            path.write_text(value)
            path.chmod(0o600)
        elif what == "write":
            path.unlink(missing_ok=True)
        elif path.exists() and value:
            path.chmod(int(value, 8))
        self._wait_for_a_tick()

    def _wait_for_a_tick(self) -> None:
        """Let the file system's clock go on, so that the next change has another time."""
        probe = self.home / "probe"
        probe.touch()
        before = probe.stat().st_ctime_ns
        while probe.stat().st_ctime_ns == before:
            probe.touch()


def answer(resolver: Resolver) -> tuple[str, ...]:
    try:
        found = resolver.resolve()
    except CredentialError as error:
        return type(error).__name__, str(error)
    return found.key, found.url, found.provider, found.source, found.url_source


@settings(max_examples=150, deadline=None)
@given(steps=steps)
def test_a_warm_resolver_answers_as_a_fresh_one(steps: list[Step]) -> None:
    """Whatever changes between two calls, a resolver that remembers gives what a new one would; no file is young."""
    with tempfile.TemporaryDirectory() as root, pytest.MonkeyPatch.context() as patch:
        patch.setattr("lamini_creds._read.time_ns", lambda: time.time_ns() + 10_000_000_000)
        world = World(root)
        rules: dict[str, object] = {"http": "any"}
        warm = Resolver(rules, environ=world.environ, home=world.home)
        answer(warm)
        for step in steps:
            world.take(step)
            fresh = answer(Resolver(rules, environ=world.environ, home=world.home))

            assert fresh == answer(warm)
            assert fresh == answer(warm)


def test_an_unchanged_answer_is_the_same_object() -> None:
    """While nothing changes, no new credential is made."""
    resolver = Resolver({}, environ={"LAMINI_API_KEY": "test-key"})

    assert resolver.resolve() is resolver.resolve()


def test_a_changed_variable_is_seen_at_once() -> None:
    """A variable is looked at in every call."""
    environ = {"LAMINI_API_KEY": "test-key-1"}
    resolver = Resolver({}, environ=environ)
    resolver.resolve()
    environ["LAMINI_API_KEY"] = "test-key-2"

    assert "test-key-2" == resolver.resolve().key


def test_a_file_swapped_within_a_tick_is_seen(tmp_path: Path) -> None:
    """Two versions of equal size and time are told apart while the file is young."""
    file = tmp_path / "key"
    resolver = Resolver({"provider": {"file": {"key_file": str(file)}}}, environ={})
    seen = []
    for key in ("test-key-1", "test-key-2"):
        file.write_text(key)
        file.chmod(0o600)
        os.utime(file, (1_000_000_000, 1_000_000_000))
        seen.append(resolver.resolve().key)

    assert ["test-key-1", "test-key-2"] == seen


def test_a_local_plugin_whose_state_changes_is_asked_again() -> None:
    """A state that equals no other has its provider asked in every call."""
    provider = CountingProvider(Secret("test-key"))
    resolver = resolver_of({"store": provider})
    for _ in range(3):
        resolver.resolve()

    assert 3 == provider.calls


def test_a_local_plugin_is_asked_once_in_a_walk() -> None:
    """Where an answer serves as key and as URL, it is taken once."""
    provider = CountingProvider()
    resolver_of({"store": provider}).explain()

    assert 1 == provider.calls


def test_a_failure_is_not_remembered() -> None:
    """An error is of its moment: once the key is there, it is found."""
    environ: dict[str, str] = {}
    resolver = Resolver({}, environ=environ)
    first = answer(resolver)
    environ["LAMINI_API_KEY"] = "test-key"

    assert ("CredentialsNotFoundError", "test-key") == (first[0], answer(resolver)[0])


@pytest.mark.parametrize("ask", [Resolver.resolve, Resolver.explain], ids=["resolve", "explain"])
def test_explicit_values_are_not_remembered(ask: Callable[..., object]) -> None:
    """What one caller passes is nothing to the next."""
    resolver = Resolver({}, environ={"LAMINI_API_KEY": "test-key"})
    ask(resolver, key="test-key-explicit", url="https://a.test")

    assert "test-key" == resolver.resolve().key


def test_a_chain_of_explicit_alone_says_so() -> None:
    """Where nobody else is asked, the remedy names no variable: it would not be read."""
    resolver = Resolver({"providers": ["explicit"]}, environ={}, home=Path("/nowhere"))

    with pytest.raises(CredentialsNotFoundError) as raised:
        resolver.resolve()

    assert "`explicit` alone" in raised.value.remedy


def test_100_rejections_of_a_local_key_are_one_event(caplog: pytest.LogCaptureFixture) -> None:
    """Where the rejected key has been dropped, further callers who reject it change nothing."""
    caplog.set_level(logging.DEBUG, "lamini_creds")
    resolver = Resolver({}, environ={"LAMINI_API_KEY": "test-key-1"})
    rejected = resolver.resolve()
    for _ in range(100):
        resolver.invalidate(rejected)

    assert 1 == sum("invalidated" in message for message in caplog.messages)


def test_a_local_key_that_ends_is_looked_at_anew() -> None:
    """No clock of ours tells when it has: each call asks the provider, which must not give it past its end."""
    provider = CountingProvider(Secret("test-key-1", expires_at=time.time() + 3600))
    provider.state = lambda _context: 1  # type: ignore[method-assign]  # a place that looks unchanged
    resolver = resolver_of({"store": provider})
    resolver.resolve()

    assert resolver.remembered() is None


class StateSelfSeeker:
    """A local provider whose token depends on what its own resolver finds."""

    resolver: Resolver
    states = 0

    def state(self, _context: Context) -> str:
        self.states += 1
        return self.resolver.resolve().fingerprint

    def provide(self, _context: Context) -> Secret:
        return Secret("test-key-1")


def test_a_token_that_asks_for_itself_does_not_recurse() -> None:
    """The resolver that it asks refuses, once, and the place counts as one that always looks changed."""
    provider = StateSelfSeeker()
    provider.resolver = resolver_of({"store": provider})
    key = provider.resolver.resolve().key

    assert ("test-key-1", 1) == (key, provider.states)


def test_a_thousand_warnings_leave_a_bounded_number() -> None:
    """A program that passes another URL in plain http each time is warned each time, and leaves no trail of it."""
    resolver, urls = Resolver({}, environ={}), [f"http://10.0.{n // 250}.{n % 250}" for n in range(1000)]
    with pytest.warns(CredentialWarning) as warned:
        [resolver.resolve(key="test-key-1", url=url) for url in urls]

    assert (1000, True) == (len(warned), len(resolver._warned) + len(resolver._notices) < 1000)


def test_a_report_has_the_warnings_of_its_own_walk() -> None:
    """What another caller's URL was warned of is not told again."""
    resolver = Resolver({}, environ={})
    own = [resolver.explain(key="test-key-1", url=f"http://10.0.0.{number}").warnings for number in range(3)]

    assert [1, 1, 1] == [len(warnings) for warnings in own]
    assert () == resolver.explain(key="test-key-1", url="https://a.test").warnings
