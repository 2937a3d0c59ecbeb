"""Providers and observers of other distributions, faked on disk: what they may do, and what is told of them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from support import hide_installed

from lamini_creds import (
    ConfigError,
    CredentialError,
    CredentialWarning,
    Outcome,
    ProviderConflictError,
    ProviderInvalid,
    ProviderUnsupported,
    Resolver,
    UnknownProviderError,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Install = Callable[..., None]

HEAD = """
from dataclasses import dataclass
from lamini_creds import *
@dataclass(frozen=True)
class Demo:
    region: str = "here"
    def provide(self, context):
        {body}
"""
HOOK = """
@hookimpl
def lamini_creds_register_provider():
    return {gives}
"""


def source(body: str = "return Secret('test-key-' + self.region)", hook: str = HOOK, gives: str = "Demo") -> str:
    return HEAD.format(body=body) + hook.format(gives=gives)


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Put a distribution with one plugin on the path."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def install(text: str, name: str = "demo", distribution: str = "demo-plugin") -> None:
        module = f"plugin_{abs(hash((str(tmp_path), text, distribution)))}"
        (tmp_path / f"{module}.py").write_text(text)
        info = tmp_path / f"{distribution.replace('-', '_')}-1.5.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.5\n")
        (info / "entry_points.txt").write_text(f"[lamini_creds]\n{name} = {module}\n")
        monkeypatch.syspath_prepend(str(tmp_path / f"new-{distribution}"))

    return install


def resolver(*order: str, **settings: object) -> Resolver:
    return Resolver({"providers": list(order or ("demo",)), **settings}, environ={})


def test_an_installed_provider_is_used(install: Install) -> None:
    """A plugin that the order names gives the key."""
    install(source())

    assert ("test-key-here", "demo") == ((found := resolver().resolve()).key, found.provider)


def test_options_come_from_its_table(install: Install) -> None:
    """Two labelled entries have options of their own."""
    install(source("raise ProviderUnavailable('down') if self.region == 'eu' else ProviderDenied('no')"))
    tables = {"demo:eu": {"region": "eu"}, "demo:us": {"region": "us"}}
    attempts = resolver("demo:eu", "demo:us", provider=tables, continue_on=["unavailable"]).explain().attempts

    assert [Outcome.UNAVAILABLE, Outcome.DENIED] == [attempt.outcome for attempt in attempts[1:]]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        pytest.param("raise ValueError('test-key-x')", "ValueError", id="raises at import"),
        pytest.param("import sys; sys.exit(3)", "SystemExit", id="exits at import"),
        pytest.param("import no_such_module_at_all", "no_such_module_at_all", id="lacks a module"),
        pytest.param("nothing = 1", "provider", id="has no hook"),
        pytest.param(source(gives="None"), "provide", id="registers None"),
        pytest.param(source(gives="3"), "provide", id="registers a number"),
        pytest.param(source(gives="1 / 0"), "ZeroDivisionError", id="raises in the hook"),
        pytest.param(
            source(hook=HOOK.replace("register_provider", "registr_provider")),
            "lamini_creds_registr_provider",
            id="misspells the hook",
        ),
        pytest.param(source(hook=HOOK.replace("()", "(unknown)", 1)), "argument", id="has other arguments"),
        pytest.param(source("raise ValueError('test-key-x')"), "ValueError", id="raises"),
        pytest.param(source("raise SystemExit(1)"), "SystemExit", id="exits"),
        pytest.param(
            source("raise type('Own', (ProviderDenied,), {'__init__': lambda self: None})()"),
            "raised Own",
            id="raises an error of ours that is not made",
        ),
        pytest.param(source("return 'test-key-x'"), "str", id="returns text"),
        pytest.param(source("return 0"), "int", id="returns something falsy"),
        pytest.param(source().replace("    def provide", "    async def provide"), "async", id="is async"),
        pytest.param(source().replace("region: str", "ttl: str"), "ttl", id="takes an entry's own option"),
        pytest.param(source() + "\nDemo.__init__ = lambda self: 1 / 0\n", "ZeroDivisionError", id="can't be made"),
    ],
)
def test_a_broken_plugin_is_invalid_and_named(install: Install, text: str, told: str) -> None:
    """Whatever a plugin does wrong, the error names its distribution and version, and shows no value."""
    install(text)

    with pytest.raises(CredentialError) as caught:
        resolver().resolve()

    shown = str(caught.value)
    assert (True, True, False) == (told in shown, "demo-plugin 1.5" in shown or told == "ttl", "test-key" in shown)


def test_a_plugin_that_asks_by_resolvers_of_its_own(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of them asks the plugin again: that is told, after a few and not after hundreds of threads."""
    monkeypatch.setenv("LAMINI_CREDS_PROVIDERS", "demo")
    install(source("Demo.asked = getattr(Demo, 'asked', 0) + 1; return Secret(Resolver().resolve().key)"))
    asking = Resolver()

    with pytest.raises(ProviderInvalid, match="asks the resolver that is asking it") as caught:
        asking.resolve()

    assert "Let it use a Resolver of its own, without itself in `providers`." == caught.value.remedy
    assert 4 == asking._setup.registry.provider("demo").asked  # type: ignore[attr-defined]  # it counts


def test_entries_before_a_broken_one_answer(install: Install) -> None:
    """A plugin is loaded when it is reached, and not before."""
    install("raise ValueError")
    found = Resolver({"providers": ["env", "demo"]}, environ={"LAMINI_API_KEY": "test-key-env"}).resolve()

    assert "test-key-env" == found.key


def test_unknown_name() -> None:
    """A name that nothing offers is an error with the installed names."""
    with pytest.raises(UnknownProviderError, match="did you mean 'yaml'"):
        resolver("yamml").resolve()


def test_a_known_plugin_that_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin of this project that is not installed is UNSUPPORTED, and the chain may go on."""
    hide_installed(monkeypatch)
    attempts = resolver("gcp", "env", continue_on=["unsupported"]).explain().attempts

    assert [Outcome.UNSUPPORTED, Outcome.MISS] == [attempt.outcome for attempt in attempts[1:]]


def test_a_known_plugin_fails_the_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without `continue_on` it is an error that names no distribution to install from elsewhere."""
    hide_installed(monkeypatch)
    with pytest.raises(ProviderUnsupported) as caught:
        resolver("gcp").resolve()

    assert "pip install" not in str(caught.value)


def test_two_distributions_with_one_name(install: Install) -> None:
    """Both distributions are named."""
    install(source())
    install(source(), distribution="other-plugin")

    with pytest.raises(ProviderConflictError, match=r"demo-plugin 1\.5.*other-plugin 1\.5|other.*demo"):
        resolver().resolve()


def test_distribution_picks_one(install: Install) -> None:
    """`distribution` in the entry's table says which."""
    install(source())
    install(source("return Secret('test-key-other')"), distribution="other-plugin")

    assert "test-key-other" == resolver(provider={"demo": {"distribution": "other_plugin"}}).resolve().key


def test_a_distribution_without_the_name(install: Install) -> None:
    """A distribution that does not offer the provider is a mistake, and those that do are named."""
    install(source())

    with pytest.raises(ConfigError, match=r"demo-plugin 1\.5"):
        resolver(provider={"demo": {"distribution": "nobody"}}).resolve()


def test_only_plugins_of_the_chain_are_imported(install: Install) -> None:
    """An installed plugin that the order does not name is never imported."""
    install("import sys; sys.imported_by_accident = True\n" + source())
    resolver("env").explain()

    assert not hasattr(sys, "imported_by_accident")


OBSERVER = """
from lamini_creds import hookimpl
seen = []
@hookimpl
def lamini_creds_observe(event):
    {body}
"""


def observing(**settings: object) -> Resolver:
    return Resolver({"observers": ["demo"], **settings}, environ={"LAMINI_API_KEY": "test-key-1"})


def test_an_observer_is_told_of_attempts(install: Install) -> None:
    """An observer gets the attempts in their order."""
    install(OBSERVER.format(body="seen.append((event.kind.value, event.entry))"))
    observing().resolve()
    module = next(m for n, m in sys.modules.items() if n.startswith("plugin_") and getattr(m, "seen", None))

    assert [("attempt", "explicit"), ("attempt", "env")] == module.seen


def test_an_observer_that_raises_is_reported_once(install: Install) -> None:
    """It does no harm: one warning names its distribution."""
    install(OBSERVER.format(body="raise ValueError('test-key-1')"))
    asking = observing()

    with pytest.warns(CredentialWarning, match=r"demo-plugin 1\.5 raised ValueError") as warned:
        assert "test-key-1" == asking.resolve().key
    assert 1 == len(warned)


@pytest.mark.parametrize("text", ["raise ValueError", source()], ids=["breaks", "observes nothing"])
def test_an_observer_that_can_not_be_loaded(install: Install, text: str) -> None:
    """An audit trail that is missing is an error, which names the distribution."""
    install(text)

    with pytest.raises(ProviderInvalid, match=r"demo-plugin 1\.5"):
        observing().resolve()
