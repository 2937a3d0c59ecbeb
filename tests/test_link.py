"""From a label of the order to entries: options, labels, outcomes, and what a plugin does wrong on the way."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from support import PLUGIN, hide_installed, install

from lamini_creds import (
    ConfigError,
    Outcome,
    ProviderDenied,
    ProviderInvalid,
    ProviderUnavailable,
    ProviderUnsupported,
    Resolver,
    Secret,
)
from lamini_creds.testing import StaticProvider, resolver_of

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from lamini_creds import Resolution


def explain(settings: Mapping[str, object], **environ: str) -> Resolution:
    return Resolver(settings, environ=environ).explain()


def provide(body: str, *, local: bool = False) -> str:
    """Give a plugin whose `provide` is this."""
    state = "    def state(self, context):\n        return 1\n\n" if local else ""
    return PLUGIN.replace('return Secret(f"test-key-{self.region}", source="acme")', body).replace(
        "    def provide", f"{state}    def provide"
    )


def test_labelled_entries_have_options_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A provider may stand in the chain more than once, each time with its own table."""
    install(tmp_path, monkeypatch, provide('return None if self.region == "eu" else Secret(f"test-key-{self.region}")'))
    tables = {"acme:eu": {"region": "eu"}, "acme:us": {"region": "us"}}
    resolver = Resolver({"providers": ["acme:eu", "acme:us"], "provider": tables}, environ={})

    assert ("acme:us", "test-key-us") == ((found := resolver.resolve()).provider, found.key)


def test_a_label_does_not_inherit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The table of the bare name is for the bare name."""
    install(tmp_path, monkeypatch)
    resolver = Resolver({"providers": ["acme:eu", "acme"], "provider": {"acme": {"region": "us"}}}, environ={})

    assert "test-key-here" == resolver.resolve().key


def test_options_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LAMINI_CREDS__ENTRY__OPTION fills the option, before any file or code below it."""
    install(tmp_path, monkeypatch)
    environ = {"LAMINI_CREDS_PROVIDERS": "acme", "LAMINI_CREDS__ACME__REGION": "mars", "LAMINI_CREDS_NO_PROJECT": "1"}

    assert "test-key-mars" == Resolver(environ=environ).resolve().key


def test_a_plugin_is_loaded_when_it_is_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While an entry before it answers, a plugin is not imported."""
    module = install(tmp_path, monkeypatch)
    resolver = Resolver({"providers": ["env", "acme"]}, environ={"LAMINI_API_KEY": "test-key"})
    resolver.resolve()

    assert module not in sys.modules


def test_a_default_entry_with_an_option_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Setting an option of a default entry is naming it."""
    hide_installed(monkeypatch)
    attempts = explain({"provider": {"aws": {"region": "eu"}}}).attempts

    assert [Outcome.UNSUPPORTED] == [attempt.outcome for attempt in attempts if attempt.entry == "aws"]


def test_a_default_entry_that_is_listed_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Listing a default entry is naming it."""
    hide_installed(monkeypatch)
    attempts = explain({"providers": ["gcp"]}).attempts

    assert [Outcome.UNSUPPORTED] == [attempt.outcome for attempt in attempts if attempt.entry == "gcp"]


FAILURES = {"denied": ProviderDenied, "unavailable": ProviderUnavailable, "unsupported": ProviderUnsupported}


@pytest.mark.parametrize("named", FAILURES)
@pytest.mark.parametrize("happens", FAILURES)
@pytest.mark.parametrize("where", ["global", "entry"])
def test_continue_on(where: str, happens: str, named: str) -> None:
    """After a failure the next entry is asked if that very outcome is named, for all or for this one."""
    chain = {"first": StaticProvider(FAILURES[happens]("no")), "second": StaticProvider(Secret("test-key"))}
    rule: Mapping[str, object] = {"continue_on": [named]}
    found = resolver_of(chain, rule if where == "global" else {"provider": {"first": rule}}).explain()

    assert (happens == named) == (found.credential is not None)


def test_an_entrys_own_continue_on_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An entry may be stricter than the chain."""
    install(tmp_path, monkeypatch, provide("raise ProviderDenied('no')"))
    rules = {"providers": ["acme", "env"], "continue_on": ["denied"], "provider": {"acme": {"continue_on": []}}}

    assert isinstance(explain(rules, LAMINI_API_KEY="test-key").error, ProviderDenied)


def test_invalid_is_never_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is wrong fails the chain, whatever `continue_on` says."""
    install(tmp_path, monkeypatch, provide("raise ValueError('test-key')"))
    rules = {"providers": ["acme", "env"], "continue_on": ["denied", "unavailable", "unsupported"]}

    assert isinstance(explain(rules, LAMINI_API_KEY="test-key").error, ProviderInvalid)


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"continue_on": ["invalid"]}, "expected one of: 'denied'"),
        ({"ttl": "test-key"}, "code: [provider.acme] ttl: has the wrong type or value"),
        ({"timeout": 0}, "code: [provider.acme] timeout: has the wrong type or value"),
        ({"distribution": 5}, "code: [provider.acme] distribution: has the wrong type or value"),
        ({"regoin": "eu"}, "did you mean 'region'?"),
        ({"region": 5}, "code: [provider.acme] region: has the wrong type or value"),
    ],
)
def test_a_mistake_in_a_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, table: Mapping[str, object], told: str
) -> None:
    """It is told when the entry is reached, with table and option, and fails the chain."""
    install(tmp_path, monkeypatch)
    error = explain({"providers": ["acme"], "provider": {"acme": table}}).error

    assert isinstance(error, ConfigError)
    assert (True, False) == (told in str(error), "test-key" in str(error))


BROKEN = {
    "raises": (provide("raise KeyError('test-key-x')"), "raised KeyError"),
    "exits": (provide("raise SystemExit('test-key-x')"), "raised SystemExit"),
    "raises an error of its own": (
        "class Odd(Exception):\n    pass\n" + provide("raise Odd('test-key-x')"),
        "raised Odd",
    ),
    "text": (provide("return 'test-key-x'"), "returned a value of type str"),
    "a falsy value": (provide("return ''"), "returned a value of type str"),
    "a dict": (provide("return {'key': 'test-key-x'}"), "returned a value of type dict"),
    "a coroutine": (
        "async def later():\n    return 1\n" + provide("return later()"),
        "returned a coroutine",
    ),
    "async": (provide("return None").replace("def provide", "async def provide"), "has an async `provide`"),
    "a name of ours": (PLUGIN.replace("region", "ttl"), "has an option 'ttl'"),
    "a method's name": (PLUGIN.replace("region", "state"), "has an option 'state'"),
    "can't be made": (
        PLUGIN.replace("    def provide", "    def __post_init__(self):\n        1 / 0\n\n    def provide"),
        "raised ZeroDivisionError when it was made",
    ),
    "exits when made": (
        PLUGIN.replace("    def provide", "    def __post_init__(self):\n        raise SystemExit\n\n    def provide"),
        "raised SystemExit when it was made",
    ),
    "types that don't exist": (PLUGIN.replace("region: str", "region: 'Nowhere'"), "raised NameError"),
    "needs arguments": (
        PLUGIN.replace("@dataclass(frozen=True)\n", "").replace(
            '    region: str = "here"', "    def __init__(self, x): ..."
        ),
        "raised TypeError",
    ),
}


@pytest.mark.parametrize("what", BROKEN)
@pytest.mark.parametrize("local", [False, True], ids=["remote", "local"])
def test_a_broken_provider(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str, *, local: bool) -> None:
    """It is INVALID with distribution, version and mistake, shows no value, and entries before it answer."""
    code, told = BROKEN[what]
    state = "    def state(self, context):\n        return 1\n\n    "
    if local and what != "a method's name":
        code = code.replace("    async def provide", state + "async def provide").replace(
            "    def provide", state + "def provide"
        )
    install(tmp_path, monkeypatch, code)
    resolution = explain({"providers": ["acme"]})
    last, shown = resolution.attempts[-1], str(resolution.error)

    assert (Outcome.INVALID, True, True, False) == (
        last.outcome,
        "the plugin of acme-creds 2.5 " in last.reason,
        told in shown,
        "test-key" in shown,
    )
    assert "env" == Resolver({"providers": ["env", "acme"]}, environ={"LAMINI_API_KEY": "test-key"}).resolve().provider


def test_a_plugins_own_subclass_of_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An error class that a plugin derives from ours, and that can't be copied, counts as ours."""
    own = "class Gone(ProviderDenied):\n    def __init__(self):\n        super().__init__('is gone', place='vault/x')\n"
    install(tmp_path, monkeypatch, provide("raise Gone").replace("@dataclass", own + "\n@dataclass"))
    error = explain({"providers": ["acme"]}).error

    assert (ProviderDenied, "acme: vault/x: is gone") == (type(error), str(error))


def test_a_plugin_may_refuse_its_options(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of our errors, raised when the provider is made, is passed on as it is."""
    check = "    def __post_init__(self):\n        raise ProviderDenied('region and zone exclude each other')\n\n"
    install(tmp_path, monkeypatch, PLUGIN.replace("    def provide", f"{check}    def provide"))

    assert "region and zone exclude each other" in str(explain({"providers": ["acme"]}).error)


def test_a_plugins_places_are_its_own_business(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An option that happens to be called `places` is an option."""
    install(tmp_path, monkeypatch, PLUGIN.replace("region", "places"))

    assert "test-key-here" == Resolver({"providers": ["acme"]}, environ={}).resolve().key


@pytest.mark.parametrize("local", [False, True], ids=["remote", "local"])
def test_an_async_resolver_loads_plugins_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, local: bool) -> None:
    """`aresolve` finds what `resolve` does."""
    import asyncio

    install(tmp_path, monkeypatch, provide('return Secret("test-key")', local=local))

    assert "acme" == asyncio.run(Resolver({"providers": ["acme"]}, environ={}).aresolve()).provider


def test_interrupting_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while a local plugin is asked stops the program as anywhere else."""
    install(tmp_path, monkeypatch, provide("raise KeyboardInterrupt", local=True))
    with pytest.raises(KeyboardInterrupt):
        explain({"providers": ["acme"]})
