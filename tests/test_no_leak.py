"""A key goes through everything that can happen to it, and shows nowhere but in the credential."""

from __future__ import annotations

import asyncio
import copy
import json
import logging
import pickle
import sys
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

import lamini_creds
from lamini_creds import (
    ConfigError,
    Context,
    Credential,
    CredentialError,
    CredentialsNotFoundError,
    PairingError,
    ProviderDenied,
    ProviderInvalid,
    ProviderUnavailable,
    Resolver,
    Secret,
)
from lamini_creds.testing import ScriptedProvider, assert_no_leak, resolver_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

KEY = "test-key-CANARY_0123456789abcdef"
URL = "https://llm.example.com"
YAML = ".lamini/configure.yaml"
BAD_KEYS = {
    "quoted": f"'{KEY}'",
    "bearer": f"Bearer {KEY}",
    "placeholder": f"<{KEY}>",
    "masked": f"{KEY}****",
    "variable": f"${{{KEY}}}",
    "blank-inside": f"{KEY} {KEY}",
    "not-ascii": f"{KEY}\u00e9",
    "control-character": f"{KEY}\x01{KEY}",
    "too-long": KEY * 600,
}
BAD_URLS = {
    "key-alone": KEY,
    "key-as-user": f"https://{KEY}@llm.example.com",
    "key-as-password": f"https://user:{KEY}@llm.example.com",
    "key-in-query": f"{URL}?key={KEY}",
    "key-in-fragment": f"{URL}#{KEY}",
    "key-as-scheme": f"{KEY}://llm.example.com",
    "key-as-port": f"llm.example.com:{KEY}",
    "key-and-blank": f"{URL} {KEY}",
    "key-with-a-dot": f"{KEY}.{KEY}",
}
BAD_SETTINGS: dict[str, dict[str, object]] = {
    "unknown": {"ttl": KEY},
    "key": {"key": KEY},
    "deadline": {"deadline": KEY},
    "http": {"http": KEY},
    "http-list": {"http": [KEY]},
    "allow-origins": {"allow_origins": [KEY]},
    "allow-origins-no-list": {"allow_origins": KEY},
    "continue-on": {"continue_on": [KEY]},
    "observers": {"observers": [KEY]},
    "providers": {"providers": [KEY]},
    "providers-no-list": {"providers": KEY},
    "providers-of-numbers": {"providers": [5], "deadline": KEY},
    "default-profile": {"default_profile": f"{KEY}!"},
    "profile": {"profile": f"{KEY}!"},
    "overlay": {"profile": {"production": {"continue_on": KEY}}},
    "overlay-no-table": {"profile": {"production": KEY}},
    "provider-no-table": {"provider": KEY},
    "entry-no-table": {"provider": {"yaml": KEY}},
    "entry-ttl": {"provider": {"yaml": {"ttl": KEY}}},
    "entry-continue-on": {"provider": {"yaml": {"continue_on": [KEY]}}},
    "option": {"provider": {"yaml": {"permissions": KEY}}},
    "option-of-another-type": {"provider": {"yaml": {"path": [KEY]}}},
    "unknown-option": {"provider": {"yaml": {"kye": KEY}}},
    "path": {"provider": {"yaml": {"path": KEY}}},
    "key-file": {"provider": {"file": {"key_file": KEY}}},
    "directory": {"provider": {"file": {"directory": KEY}}},
}
BAD_VARIABLES = {
    name: {f"LAMINI_CREDS_{name}": KEY}
    for name in (
        "DEADLINE", "HTTP", "ALLOW_ORIGINS", "CONTINUE_ON", "PROVIDERS", "OBSERVERS", "KEY", "CONFIG",
        "_YAML__PERMISSIONS", "_YAML__TTL", "_YAML__KYE", "_YAML__PATH", "_FILE__KEY_FILE", "_NOBODY__KEY",
    )
} | {name: {name: KEY} for name in ("LAMINI_API_KEY_FILE", "LAMINI_API_URL_FILE")}  # fmt: skip
BAD_YAML = {
    "open-quote": f'production:\n  key: "{KEY}\n',
    "tab": f"production:\n\tkey: {KEY}\n",
    "colon": f"production:\n  key: {KEY}: x\n",
    "list": f"production:\n  key: [{KEY}]\n",
    "mapping": f"production:\n  key: {{a: {KEY}}}\n",
    "tag": f"production:\n  key: !!python/name:{KEY} {KEY}\n",
    "alias": f"production:\n  key: *{KEY}\n",
    "no-mapping": f"production: {KEY}\n",
    "bare": f"{KEY}\n",
    "two-documents": f"production:\n  key: {KEY}\n---\na: b\n",
    "not-utf-8": f"production:\n  key: {KEY}\udcff\n",
    "control-character": f"production:\n  key: {KEY}\x01\n",
    "bad-key": f"production:\n  key: '{KEY} {KEY}'\n",
    "key-as-url": f"production:\n  key: {KEY}\n  url: {KEY}\n",
}
BAD_TOML = {
    "open-quote": f'key = "{KEY}\n',
    "no-quotes": f"key = {KEY}\n",
    "bare": f"{KEY}\n",
    "twice": f'providers = ["env"]\nproviders = ["{KEY}"]\n',
    "misplaced": f'[tool.lamini_creds]\nkey = "{KEY}"\n',
    "misplaced-option": f'[tool.lamini_creds.provider.yaml]\npermissions = "{KEY}"\n',
    "outside": f'deadline = "{KEY}"\n[tool.lamini_creds]\nhttp = "any"\n',
    "hyphen": f'[tool.lamini-creds]\nkey = "{KEY}"\n',
    "not-utf-8": f'key = "{KEY}\udcff"\n',
    "deep": f'key = {"[" * 5000}"{KEY}"',
}


@dataclass
class Case:
    """What is set, and what the caller passes."""

    environ: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    settings: Mapping[str, object] | None = None
    explicit: object = None
    call: Mapping[str, object] = field(default_factory=dict)


class Said:
    """Everything that is said while a test runs: log records, warnings, output."""

    def __init__(self, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> None:
        self._caplog, self._capsys = caplog, capsys
        self.warnings: list[warnings.WarningMessage] = []

    def check(self, *others: object) -> None:
        records = self._caplog.get_records("call")
        assert_no_leak(KEY, *others, self.warnings, records, self._caplog.text, *self._capsys.readouterr())

    @property
    def records(self) -> int:
        return len(self._caplog.get_records("call"))


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> Iterator[Said]:
    caplog.set_level(logging.DEBUG)
    said = Said(caplog, capsys)
    with warnings.catch_warnings(record=True) as said.warnings:
        warnings.simplefilter("always")
        yield said


@pytest.fixture(autouse=True)
def _process_wide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    lamini_creds.reset()
    yield
    lamini_creds.reset()


def make(case: Case, home: Path) -> Resolver:
    for name, text in case.files.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8", "surrogateescape"))
        path.chmod(0o600)
    environ = {name: value.replace("{home}", str(home)) for name, value in case.environ.items()}
    return Resolver(case.settings, environ=environ, home=home)


def by_resolve(resolver: Resolver, *explicit: Any, **call: Any) -> object:
    return resolver.resolve(*explicit, **call)


def by_aresolve(resolver: Resolver, *explicit: Any, **call: Any) -> object:
    return asyncio.run(resolver.aresolve(*explicit, **call))


def by_function(resolver: Resolver, *explicit: Any, **call: Any) -> object:
    lamini_creds.configure(resolver)
    return lamini_creds.resolve_credentials(*explicit, **call)


def by_async_function(resolver: Resolver, *explicit: Any, **call: Any) -> object:
    lamini_creds.configure(resolver)
    return asyncio.run(lamini_creds.aresolve_credentials(*explicit, **call))


def by_explain(resolver: Resolver, *explicit: Any, **call: Any) -> object:
    resolution = resolver.explain(*explicit, **call, all=True)
    assert_no_leak(KEY, resolution, resolution.as_dict(), json.dumps(resolution.as_dict()))
    if resolution.error is not None:
        raise resolution.error
    return resolution.credential


WAYS = [by_resolve, by_aresolve, by_function, by_async_function, by_explain]
every_way = pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)


def failure(way: Callable[..., object], case: Case, home: Path) -> CredentialError:
    """Give what comes of it, an error; in a frame without the key, as a caller's might be."""
    resolver = make(case, home)
    with pytest.raises(CredentialError) as caught:
        way(resolver, *([] if case.explicit is None else [case.explicit]), **case.call)
    return caught.value


def cases(given: Mapping[str, Any], make: Callable[[Any], Case]) -> list[Any]:
    return [pytest.param(make(value), id=name) for name, value in given.items()]


SUCCESSES = {
    "env": Case(environ={"LAMINI_API_KEY": KEY}),
    "env-of-the-profile": Case(environ={"LAMINI__PRODUCTION__KEY": KEY, "LAMINI__PRODUCTION__URL": URL}),
    "argument": Case(call={"key": KEY}),
    "arguments": Case(call={"key": KEY, "url": URL}),
    "mapping": Case(explicit={"production": {"key": KEY, "url": URL}}),
    "dotted-mapping": Case(explicit={"production.key": KEY}),
    "file": Case(environ={"LAMINI_API_KEY_FILE": "{home}/key"}, files={"key": f"{KEY}\n"}),
    "yaml": Case(files={YAML: f"production:\n  key: {KEY}\n  url: {URL}\n"}),
    "plain-http": Case(environ={"LAMINI_API_KEY": KEY, "LAMINI_API_URL": "http://gpu-box:8000"}),
}


@every_way
@pytest.mark.parametrize("case", SUCCESSES.values(), ids=SUCCESSES)
def test_success(way: Callable[..., object], case: Case, tmp_path: Path, said: Said) -> None:
    """A credential shows its key in `key` and `headers()` alone, and nothing is said of it on the way."""
    found = way(make(case, tmp_path), *([] if case.explicit is None else [case.explicit]), **case.call)

    assert isinstance(found, Credential)
    assert (KEY, {"Authorization": f"Bearer {KEY}"}) == (found.key, found.headers())
    said.check(found, copy.copy(found), copy.deepcopy(found), f"{found!r}", [found])


def test_something_is_said(tmp_path: Path, said: Said) -> None:
    """The log that these tests look at is not empty."""
    make(SUCCESSES["plain-http"], tmp_path).resolve()

    assert (True, 1) == (said.records > 0, len(said.warnings))


@every_way
@pytest.mark.parametrize(
    "case",
    [
        *cases(BAD_KEYS, lambda key: Case(environ={"LAMINI_API_KEY": key})),
        *cases(BAD_KEYS, lambda key: Case(call={"key": key})),
        *cases(BAD_KEYS, lambda key: Case(call={"key": key, "url": URL})),
        *cases(BAD_KEYS, lambda key: Case(explicit={"production": {"key": key}})),
        *cases(BAD_KEYS, lambda key: Case(environ={"LAMINI_API_KEY_FILE": "{home}/key"}, files={"key": key})),
        *cases(BAD_KEYS, lambda key: Case(files={YAML: f"production: {{key: {json.dumps(key)}}}"})),
        *cases({"list": [KEY], "bytes": KEY.encode(), "nested": {"key": KEY}}, lambda key: Case(call={"key": key})),
        *cases({"list": [KEY], "nested": {"key": KEY}}, lambda key: Case(explicit={"production": {"key": key}})),
    ],
)
def test_bad_key(way: Callable[..., object], case: Case, tmp_path: Path, said: Said) -> None:
    """A key that is refused shows neither in the error nor in our frames."""
    error = failure(way, case, tmp_path)

    assert ProviderInvalid is type(error)
    said.check(error)


@every_way
@pytest.mark.parametrize(
    "case",
    [
        *cases(BAD_URLS, lambda url: Case(environ={"LAMINI_API_KEY": KEY, "LAMINI_API_URL": url})),
        *cases(BAD_URLS, lambda url: Case(call={"key": KEY, "url": url})),
        *cases(BAD_URLS, lambda url: Case(environ={"LAMINI_API_KEY": KEY}, call={"url": url})),
        *cases(BAD_URLS, lambda url: Case(explicit={"production": {"key": KEY, "url": url}})),
        *cases(BAD_URLS, lambda url: Case(files={YAML: f"production: {{key: {KEY}, url: {json.dumps(url)}}}"})),
        *cases(
            BAD_URLS,
            lambda url: Case(
                environ={"LAMINI_API_KEY_FILE": "{home}/key", "LAMINI_API_URL_FILE": "{home}/url"},
                files={"key": KEY, "url": url},
            ),
        ),
        *cases(BAD_URLS, lambda url: Case(call={"key": KEY}, files={YAML: f"production: {{url: {json.dumps(url)}}}"})),
    ],
)
def test_key_in_a_url(way: Callable[..., object], case: Case, tmp_path: Path, said: Said) -> None:
    """A key that stands where a URL belongs is not shown, though a URL would be."""
    error = failure(way, case, tmp_path)

    assert ProviderInvalid is type(error)
    said.check(error)


class RaisingMapping(dict[str, object]):
    """A configuration that can't be looked into, and says why with the key."""

    def __contains__(self, name: object) -> bool:
        raise ValueError(KEY, name)


@every_way
@pytest.mark.parametrize(
    "case",
    [
        pytest.param(Case(explicit=KEY), id="key-for-the-mapping"),
        pytest.param(Case(explicit=RaisingMapping(production={"key": KEY})), id="mapping-that-raises"),
        pytest.param(Case(explicit=[KEY]), id="list-for-the-mapping"),
        pytest.param(Case(explicit={"production": KEY}), id="no-nested-mapping"),
        pytest.param(Case(explicit={"staging": {"key": KEY}}), id="another-profile"),
        pytest.param(Case(explicit={"production": {"key": KEY}}, call={"key": KEY}), id="twice"),
        pytest.param(Case(call={"key": KEY, "url": " "}), id="blank-url"),
        pytest.param(Case(call={"key": KEY, "url": 5}), id="url-of-another-type"),
        pytest.param(Case(call={"key": KEY, "url": "http://llm.example.com"}), id="plain-http"),
        pytest.param(Case(call={"key": KEY, "profile": "other"}), id="profile-without-url"),
        pytest.param(Case(call={"key": KEY, "url": URL, "profile": "no profile"}), id="bad-profile"),
    ],
)
def test_bad_call(way: Callable[..., object], case: Case, tmp_path: Path, said: Said) -> None:
    """A call that makes no sense is refused without what was passed."""
    said.check(failure(way, case, tmp_path))


@every_way
@pytest.mark.parametrize("settings", BAD_SETTINGS.values(), ids=BAD_SETTINGS)
def test_key_in_settings(way: Callable[..., object], settings: dict[str, object], tmp_path: Path, said: Said) -> None:
    """A key in settings is in no message about them."""
    case = Case(settings=settings, environ={"LAMINI_API_URL": URL})

    said.check(failure(way, case, tmp_path))


@every_way
@pytest.mark.parametrize("environ", BAD_VARIABLES.values(), ids=BAD_VARIABLES)
def test_key_in_variables(way: Callable[..., object], environ: dict[str, str], tmp_path: Path, said: Said) -> None:
    """A key in a variable of ours is in no message about it."""
    said.check(failure(way, Case(environ=environ), tmp_path))


@every_way
@pytest.mark.parametrize("text", BAD_YAML.values(), ids=BAD_YAML)
def test_bad_yaml(way: Callable[..., object], text: str, tmp_path: Path, said: Said) -> None:
    """YAML that can't be read is described by line and column, without an excerpt."""
    error = failure(way, Case(files={YAML: text}), tmp_path)

    assert ProviderInvalid is type(error)
    said.check(error)


@every_way
@pytest.mark.parametrize("text", BAD_TOML.values(), ids=BAD_TOML)
def test_bad_toml(way: Callable[..., object], text: str, tmp_path: Path, said: Said) -> None:
    """TOML that can't be read, or says nonsense, is described without an excerpt."""
    path = tmp_path / "work" / "settings.toml"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ConfigError) as caught:
        way(Resolver.from_file(path, environ={}, home=tmp_path))

    said.check(caught.value)


@every_way
def test_untrusted_project(way: Callable[..., object], tmp_path: Path, said: Said) -> None:
    """A project file that nobody trusts is refused without what it sets."""
    (tmp_path / "work" / "pyproject.toml").write_text(f'[tool.lamini_creds.provider.file]\nkey_file = "{KEY}"\n')

    said.check(failure(way, Case(), tmp_path))


@every_way
def test_pairing(way: Callable[..., object], tmp_path: Path, said: Said) -> None:
    """A key that is refused to another server is not shown."""
    stored = {YAML: f"production:\n  key: {KEY}\n  url: {URL}\n"}
    error = failure(way, Case(environ={"LAMINI_API_URL": "https://other.example"}, files=stored), tmp_path)

    assert PairingError is type(error)
    said.check(error)


@every_way
def test_near_misses(way: Callable[..., object], tmp_path: Path, said: Said) -> None:
    """Near misses are told by name."""
    (tmp_path / "work" / ".env").write_text(f"LAMINI_API_KEY={KEY}\n")
    error = failure(way, Case(environ={"LAMINI_KEY": KEY, "lamini_api_key": KEY}), tmp_path)

    assert CredentialsNotFoundError is type(error)
    said.check(error)


class Careless(ProviderDenied):
    """A provider's own error that remembers the response."""

    def __init__(self, response: str) -> None:
        super().__init__("the store refuses it")
        self.response = response


def chained(error: BaseException, cause: BaseException) -> BaseException:
    error.__cause__ = cause
    error.__context__ = cause
    return error


def noted(error: BaseException) -> BaseException:
    error.add_note(f"the response was {KEY}")
    return error


RAISED: dict[str, Callable[[], BaseException]] = {
    "any": lambda: ValueError(f"no JSON: {KEY}"),
    "exit": lambda: SystemExit(KEY),
    "document": lambda: json.JSONDecodeError("no JSON", KEY, 0),
    "group": lambda: ExceptionGroup(KEY, [ValueError(KEY)]),
    "cause": lambda: chained(ProviderUnavailable("no answer"), ValueError(KEY)),
    "note": lambda: noted(ProviderDenied("the store refuses it")),
    "attribute": lambda: Careless(KEY),
    "own-key-error": lambda: KeyError(KEY),
}


class Store:
    """A local place that raises, with the key in its own frame."""

    def __init__(self, error: BaseException) -> None:
        self._error = error

    def state(self, _context: Context) -> int:
        return 0

    def provide(self, _context: Context) -> Secret | None:
        raise self._error


@every_way
@pytest.mark.parametrize("near", [True, False], ids=["local", "remote"])
@pytest.mark.parametrize("error", RAISED.values(), ids=RAISED)
def test_careless_provider(
    way: Callable[..., object],
    error: Callable[[], BaseException],
    near: bool,
    said: Said,  # a parameter of the test
) -> None:
    """Whatever a provider raises with the key in it, what the caller gets has none of it."""
    store = Store(error()) if near else ScriptedProvider(error())
    with pytest.raises(CredentialError) as caught:
        way(resolver_of({"store": store}))

    said.check(caught.value)


@every_way
@pytest.mark.parametrize("wrong", [KEY, {"key": KEY}, [KEY], KEY.encode()], ids=lambda wrong: type(wrong).__name__)
def test_wrong_answer(way: Callable[..., object], wrong: Any, said: Said) -> None:
    """A provider that returns the bare key is told of its type alone."""
    with pytest.raises(ProviderInvalid) as caught:
        way(resolver_of({"store": ScriptedProvider(wrong)}))

    said.check(caught.value)


class InterruptedEnviron(dict[str, str]):
    """An environment in which Ctrl-C is pressed when one variable is looked up."""

    def __init__(self, variables: Mapping[str, str], at: str) -> None:
        super().__init__(variables)
        self.at = at

    def get(self, name: str, default: Any = None) -> Any:
        if name == self.at:
            raise KeyboardInterrupt
        return super().get(name, default)

    __getitem__ = get


@pytest.mark.parametrize("way", [by_resolve, by_function, by_explain], ids=lambda way: way.__name__)
@pytest.mark.parametrize("at", ["LAMINI_API_URL", "LAMINI__PRODUCTION__KEY", "LAMINI__PRODUCTION__URL"])
@pytest.mark.parametrize("call", [{}, {"key": KEY}], ids=["from-the-environment", "explicit"])
def test_interrupted(way: Callable[..., object], at: str, call: dict[str, str], said: Said) -> None:
    """Ctrl-C in the middle of a look shows no key in our frames."""
    resolver = Resolver({"providers": ["env"]}, environ=InterruptedEnviron({"LAMINI_API_KEY": KEY}, at))
    with pytest.raises(KeyboardInterrupt) as caught:
        way(resolver, **call)

    said.check(caught.value)


@pytest.mark.parametrize("way", [by_resolve, by_function], ids=lambda way: way.__name__)
def test_interrupted_later(way: Callable[..., object], said: Said) -> None:
    """Ctrl-C while a place is compared with what it was shows no key either."""
    environ = InterruptedEnviron({"LAMINI_API_KEY": KEY, "LAMINI_API_URL": URL}, "nothing")
    resolver = Resolver({"providers": ["env"]}, environ=environ)
    resolver.resolve()
    environ.at = "LAMINI_API_URL"
    with pytest.raises(KeyboardInterrupt) as caught:
        way(resolver)

    said.check(caught.value)


@pytest.mark.parametrize("way", [by_resolve, by_function], ids=lambda way: way.__name__)
def test_interrupted_provider(way: Callable[..., object], said: Said) -> None:
    """Ctrl-C inside a provider leaves through frames of ours that show no key."""
    with pytest.raises(KeyboardInterrupt) as caught:
        way(resolver_of({"store": Store(KeyboardInterrupt())}, environ={"LAMINI_API_KEY": KEY}))

    said.check(caught.value)


OBSERVER = """
from lamini_creds import hookimpl
told = []

@hookimpl
def lamini_creds_observe(event):
    told.append(event)
"""


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[object]]:
    """Install an observer named `listener`, and give what it is told."""
    metadata = tmp_path / "site" / "leak_listener-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: leak-listener\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[lamini_creds]\nlistener = leak_listener\n")
    (tmp_path / "site" / "leak_listener.py").write_text(OBSERVER)
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.delitem(sys.modules, "leak_listener", raising=False)
    return lambda: sys.modules["leak_listener"].told


@every_way
@pytest.mark.parametrize("key", [KEY, f"{KEY} {KEY}"], ids=["good", "bad"])
def test_observer(
    way: Callable[..., object], key: str, told: Callable[[], list[object]], tmp_path: Path, said: Said
) -> None:
    """An observer is told what happens, and not the key."""
    resolver = make(Case(environ={"LAMINI_API_KEY": key}, settings={"observers": ["listener"]}), tmp_path)
    try:
        found = way(resolver)
    except CredentialError as error:
        found = error
    if isinstance(found, Credential):
        resolver.invalidate(found)

    assert told()
    said.check(found, told())


def test_fastapi_refusal(monkeypatch: pytest.MonkeyPatch, said: Said) -> None:
    """FastAPI refuses the function as a dependency without looking for a key."""
    fastapi = pytest.importorskip("fastapi")
    monkeypatch.setenv("LAMINI_API_KEY", KEY)
    app = fastapi.FastAPI()
    with pytest.raises(TypeError, match="Wrap it") as caught:
        app.get("/")(endpoint_of(fastapi))

    said.check(caught.value)


def endpoint_of(fastapi: Any) -> Callable[..., object]:
    def endpoint(credential: Any = fastapi.Depends(lamini_creds.resolve_credentials)) -> object:  # noqa: B008
        return credential

    return endpoint


def test_pickle(tmp_path: Path, said: Said) -> None:
    """Neither a credential nor a report with one can be pickled; the refusal shows nothing."""
    resolver = make(SUCCESSES["env"], tmp_path)
    for value in (resolver.resolve(), resolver.explain()):
        with pytest.raises(TypeError, match="never pickled") as caught:
            pickle.dumps(value)

        said.check(caught.value)


@pytest.mark.parametrize("arguments", [{"home": 5}, {"home": 5, "environ": None}], ids=["environ", "settings"])
def test_bad_home(arguments: dict[str, Any], said: Said) -> None:
    """A resolver that can't be made shows neither its settings nor its environment."""
    with pytest.raises(TypeError) as caught:
        Resolver({"ttl": KEY}, **({"environ": {"LAMINI_API_KEY": KEY}} | arguments))

    said.check(caught.value)


def test_resolver(tmp_path: Path, said: Said) -> None:
    """A resolver shows nothing of what it remembers."""
    resolver = make(SUCCESSES["env"], tmp_path)
    resolver.resolve()

    said.check(resolver)
