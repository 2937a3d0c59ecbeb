"""From a provider's name to its class: what is scanned, what is loaded, and whose fault it is."""

from __future__ import annotations

import sys
from importlib import import_module
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pluggy
import pytest
from support import PLUGIN, hide_installed, install

from lamini_creds import (
    ConfigError,
    CredentialError,
    CredentialWarning,
    ProviderConflictError,
    ProviderInvalid,
    ProviderUnsupported,
    Resolver,
    UnknownProviderError,
    hookimpl,
    hookspecs,
    reset,
    resolve_credentials,
)
from lamini_creds._plugins import installed
from lamini_creds._registry import BUILT_IN, Registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from importlib.machinery import ModuleSpec
    from importlib.metadata import Distribution
    from pathlib import Path


class CountingFinder:
    """A finder on sys.meta_path that has nothing, and counts how often the metadata is scanned."""

    def __init__(self) -> None:
        self.scans = 0

    def find_spec(self, *_: object) -> ModuleSpec | None:
        return None

    def find_distributions(self, _context: object) -> Iterator[Distribution]:
        self.scans += 1
        return iter(())


@pytest.fixture
def finder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CountingFinder:
    """Count scans of a path that nobody has scanned."""
    counting = CountingFinder()
    monkeypatch.setattr(sys, "meta_path", [*sys.meta_path, counting])
    monkeypatch.syspath_prepend(str(tmp_path / "unscanned"))
    return counting


def test_built_ins_need_no_scan(finder: CountingFinder) -> None:
    """Where a built-in provider answers, no metadata is read."""
    found = Resolver(environ={"LAMINI_API_KEY": "test-key", "LAMINI_CREDS_NO_PROJECT": "1"}).resolve()

    assert ("env", 0) == (found.provider, finder.scans)


def test_the_default_order_needs_no_scan(finder: CountingFinder) -> None:
    """Entries of the default order that nobody configured are passed by without a look."""
    asking = Resolver(environ={"LAMINI_CREDS_NO_PROJECT": "1"}).explain()

    assert (["is not configured"] * 3, 0) == ([attempt.reason for attempt in asking.attempts[-3:]], finder.scans)


def test_one_scan_a_resolver(finder: CountingFinder) -> None:
    """The metadata is scanned once, whatever is asked for: by the process-wide resolver, once a process."""
    registry = Registry()
    for name in ("acme", "other", "acme"):
        with pytest.raises(UnknownProviderError):
            registry.provider(name)
    with pytest.raises(UnknownProviderError):
        registry.observer("acme")

    assert 1 == finder.scans


def test_what_is_installed_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin that a running process installs, as in a notebook, is found after `reset()`."""
    monkeypatch.setenv("LAMINI_CREDS_PROVIDERS", "acme")
    place = tmp_path / "site"
    place.mkdir()
    monkeypatch.syspath_prepend(str(place))
    reset()
    with pytest.raises(UnknownProviderError):
        resolve_credentials()
    install(tmp_path / "wheel", monkeypatch)
    for path in (tmp_path / "wheel").glob("*/*"):
        path.rename(place / path.name)
    monkeypatch.setattr(sys, "path", [path for path in sys.path if "wheel" not in path])
    reset()
    found = resolve_credentials().provider
    reset()

    assert "acme" == found


def test_what_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Name, distribution and version are known from metadata alone."""
    module = install(tmp_path, monkeypatch, names=("acme", "other"))
    ours = [(offer.name, str(offer)) for offer in installed() if offer.distribution == "acme-creds"]

    assert ([("acme", "acme-creds 2.5"), ("other", "acme-creds 2.5")], False) == (ours, module in sys.modules)


def test_two_entry_points_of_one_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that two entry points name is one plugin, loaded once."""
    install(tmp_path, monkeypatch, names=("acme", "other"))
    registry = Registry()

    assert registry.provider("acme") is registry.provider("other")


@pytest.mark.parametrize(
    ("file", "text"),
    [("entry_points.txt", "[lamini_creds]\nnonsense\n"), ("METADATA", ""), ("METADATA", None)],
    ids=["malformed entry points", "empty metadata", "no metadata"],
)
def test_somebodys_broken_metadata(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, text: str | None
) -> None:
    """A distribution that is broken on disk is passed by, and the others are found."""
    install(tmp_path / "broken", monkeypatch, names=("broken",), distribution="broken-creds")
    path = next((tmp_path / "broken").glob("*/*.dist-info")) / file
    path.unlink() if text is None else path.write_text(text)
    install(tmp_path, monkeypatch)

    assert Registry().provider("acme")


def test_a_copy_on_the_path_counts_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two copies of one distribution the nearer on the path counts, as for an import."""
    install(tmp_path, monkeypatch, version="1.0")
    install(tmp_path, monkeypatch, version="2.0", distribution="Acme_Creds")

    assert ["Acme_Creds 2.0"] == [str(offer) for offer in installed() if offer.name == "acme"]


def test_two_distributions_of_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are named, and the table that picks one."""
    install(tmp_path, monkeypatch)
    install(tmp_path, monkeypatch, distribution="other-creds")
    with pytest.raises(ProviderConflictError) as caught:
        Registry().provider("acme")
    texts = ("acme-creds 2.5", "other-creds 2.5", "[tool.lamini_creds.provider.acme] distribution = ")

    assert [True] * 3 == [text in str(caught.value) for text in texts]


def test_the_remedy_for_two_distributions_helps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A labelled entry's own table is named, and what it is told to set picks one."""
    install(tmp_path, monkeypatch)
    install(tmp_path, monkeypatch, distribution="other-creds")
    with pytest.raises(ProviderConflictError) as caught:
        Resolver({"providers": ["acme:eu"]}, environ={}).resolve()
    table = caught.value.remedy.partition("pick: ")[2].replace("] ", "]\n")
    (tmp_path / "named.toml").write_text(f'[tool.lamini_creds]\nproviders = ["acme:eu"]\n{table}\n')

    assert "acme:eu" == Resolver.from_file(tmp_path / "named.toml", environ={}).resolve().provider


def test_two_observers_of_one_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting picks an observer's distribution, and none is named."""
    install(tmp_path, monkeypatch, OBSERVER)
    install(tmp_path, monkeypatch, OBSERVER, distribution="other-creds")

    with pytest.raises(ProviderConflictError, match="observers: acme") as caught:
        asking("acme").resolve()

    assert "Uninstall one." == caught.value.remedy


def test_a_version_is_escaped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody's metadata can't write to a terminal by way of an error."""
    install(tmp_path, monkeypatch, "raise ValueError", version="2.5\x1b[2J")

    with pytest.raises(ProviderInvalid) as caught:
        Registry().provider("acme")

    assert "\x1b" not in str(caught.value)


def test_the_distributions_name_may_be_spelled_otherwise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`distribution` compares names as package indexes do."""
    install(tmp_path, monkeypatch)
    install(tmp_path, monkeypatch, PLUGIN.replace("here", "there"), distribution="other-creds")

    assert Registry().provider("acme", "Other_Creds") is Registry().provider("acme", "other-creds")


def test_no_distribution_can_be_picked_for_a_built_in() -> None:
    """A built-in provider is nobody else's."""
    with pytest.raises(ConfigError, match="'env' is built in"):
        Registry().provider("env", "acme-creds")


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_built_in_is_a_plugin_but_for_the_marker(name: str) -> None:
    """Marked, and under a name of its own, a built-in provider would do as anybody's plugin."""
    module = import_module(f"lamini_creds.providers.{name}")
    plugin = SimpleNamespace(lamini_creds_register_provider=hookimpl(module.lamini_creds_register_provider))
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(plugin)
    manager.check_pending()

    assert [Registry().provider(name)] == manager.hook.lamini_creds_register_provider()


def test_an_unknown_name() -> None:
    """The nearest name is suggested, and all are listed."""
    with pytest.raises(UnknownProviderError, match=r"(?s)did you mean 'yaml'\?.*Installed: .*env.*yaml"):
        Registry().provider("ymal")


def test_an_unknown_name_that_is_like_no_other() -> None:
    """Where no name is near, those that are installed are listed once."""
    with pytest.raises(UnknownProviderError) as caught:
        Registry().provider("keyring")

    assert caught.value.remedy.startswith("Installed: ")


def test_a_missing_default_plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin of this project that is missing is UNSUPPORTED, and nobody is sent to a package index for it."""
    hide_installed(monkeypatch)
    with pytest.raises(ProviderUnsupported) as caught:
        Registry().provider("azure")

    assert (True, False) == ("plugins/lamini-creds-azure" in caught.value.remedy, "pip install" in str(caught.value))


def test_what_failed_once_is_not_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin that breaks at import is imported once, and each caller gets an error of its own."""
    count = tmp_path / "count"
    write = f"with open({str(count)!r}, 'a') as file:\n    file.write('x')\n"
    install(tmp_path, monkeypatch, f"{write}raise ValueError('test-key')")
    registry, errors = Registry(), []
    for _ in range(2):
        with pytest.raises(ProviderInvalid) as caught:
            registry.provider("acme")
        errors.append(caught.value)

    assert ("x", False, False) == (count.read_text(), errors[0] is errors[1], "test-key" in str(errors[0]))


BROKEN = {
    "an instance": (PLUGIN.replace("return Provider", "return Provider()"), "registers a value of type Provider"),
    "nothing": (PLUGIN.replace("return Provider", "return None"), "registers nothing"),
    "a falsy value": (PLUGIN.replace("return Provider", "return ''"), "registers a value of type str"),
    "a coroutine": (PLUGIN.replace("def lamini", "async def lamini"), "registers a coroutine"),
    "a class without provide": (PLUGIN.replace("return Provider", "return dict"), "without a method `provide`"),
    "async provide": (PLUGIN.replace("def provide", "async def provide"), "has an async `provide`"),
    "no hook": ("", "registers nothing"),
    "a misspelt hook": (PLUGIN.replace("_provider()", "_povider()"), "did you mean 'lamini_creds_register_provider'?"),
    "wrong arguments": (PLUGIN.replace("_provider()", "_provider(context)"), "arguments are not those"),
    "raises at import": ("raise KeyError('test-key')", "it raised KeyError"),
    "exits at import": ("import sys\nsys.exit('test-key')", "it raised SystemExit"),
    "raises in the hook": (PLUGIN.replace("return Provider", "raise ValueError('test-key')"), "raised ValueError"),
    "exits in the hook": (PLUGIN.replace("return Provider", "raise SystemExit"), "raised SystemExit"),
    "lacks a module": ("import acme_that_is_missing", "there is no module 'acme_that_is_missing'"),
    "is not Python": ("def (", "it raised SyntaxError"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_a_broken_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """Whatever it does, distribution, version and mistake are named, and no value of its is."""
    code, told = BROKEN[what]
    install(tmp_path, monkeypatch, code)
    with pytest.raises(ProviderInvalid) as caught:
        Registry().provider("acme")
    shown = str(caught.value)

    assert (True, True, False) == ("acme-creds 2.5" in shown, told in shown, "test-key" in shown)
    assert (None, None) == (caught.value.__cause__, caught.value.__context__)


def test_a_broken_plugin_spoils_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a misspelt hook the same registry loads the next plugin."""
    install(tmp_path, monkeypatch, BROKEN["a misspelt hook"][0])
    install(tmp_path, monkeypatch, names=("other",), distribution="other-creds")
    registry = Registry()
    with pytest.raises(ProviderInvalid):
        registry.provider("acme")

    assert registry.provider("other")


OBSERVER = """
from lamini_creds import hookimpl

EVENTS = []

@hookimpl
def lamini_creds_observe(event):
    EVENTS.append(event)
"""


def asking(*observers: str) -> Resolver:
    return Resolver({"observers": list(observers)}, environ={"LAMINI_API_KEY": "test-key"})


@pytest.mark.parametrize(
    ("code", "told"),
    [
        (PLUGIN, "has no hook lamini_creds_observe"),
        ("raise ValueError('test-key')", "it raised ValueError"),
        ("raise SystemExit", "it raised SystemExit"),
        (OBSERVER.replace("_observe(", "_obsrve("), "did you mean 'lamini_creds_observe'?"),
        (OBSERVER.replace("(event)", "(event, more)"), "arguments are not those"),
        (OBSERVER.replace("def ", "async def "), "has an async hook lamini_creds_observe"),
    ],
    ids=["no observer", "raises", "exits", "misspelt", "arguments", "async"],
)
def test_a_broken_observer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str, told: str) -> None:
    """An observer that can't be loaded is an error, since an audit trail would be missing."""
    install(tmp_path, monkeypatch, code)
    with pytest.raises(CredentialError) as caught:
        asking("acme").resolve()

    assert ("observers: acme", True, True) == (
        caught.value.place,
        "acme-creds 2.5" in str(caught.value),
        told in str(caught.value),
    )


def test_an_unknown_observer() -> None:
    """A name that nothing installed answers to is an error."""
    with pytest.raises(UnknownProviderError, match="observers: acme"):
        asking("acme").resolve()


def test_an_observer_that_raises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is reported once and without its words, the answer stands, and the others are told."""
    install(tmp_path, monkeypatch, OBSERVER.replace("EVENTS.append(event)", "raise ValueError('test-key')"))
    module = install(tmp_path, monkeypatch, OBSERVER, names=("other",), distribution="other-creds")
    resolver = asking("acme", "other")
    with pytest.warns(CredentialWarning) as caught:
        found = resolver.resolve()
    resolver.invalidate(found)

    assert ["the observer 'acme' of acme-creds 2.5 raised ValueError"] == [str(warning.message) for warning in caught]
    assert {"explicit", "env"} <= {event.entry for event in sys.modules[module].EVENTS}


def test_an_observer_that_is_a_provider_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin's observer is told only where `observers` names it."""
    module = install(tmp_path, monkeypatch, PLUGIN + OBSERVER)
    Resolver({"providers": ["acme"]}, environ={}).resolve()

    assert [] == sys.modules[module].EVENTS


@pytest.mark.parametrize(
    ("name", "plugin"), {"aws-ssm": "aws", "google": "gcp", "vault": "vault", "azure": "azure"}.items()
)
def test_our_own_plugins_are_known(name: str, plugin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a plugin of this project is not installed, the error says which offers the provider."""
    hide_installed(monkeypatch)

    with pytest.raises(ProviderUnsupported, match=f"the plugin lamini-creds-{plugin} is not installed"):
        Registry().provider(name)
