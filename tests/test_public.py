"""The public face: what can be imported, how it is called, and that all of it is documented."""

from __future__ import annotations

import inspect
import pickle
import subprocess
import sys
from collections.abc import Hashable
from types import ModuleType

import pytest

import lamini_creds
from lamini_creds import Attempt, Context, Credential, CredentialError, Outcome, Resolver, Secret, hookspecs, testing

ERRORS = [
    kind for name in lamini_creds.__all__ if inspect.isclass(kind := getattr(lamini_creds, name)) and issubclass(kind, CredentialError)
]  # fmt: skip
CALL = "(explicit=None, /, *, key=None, url=None, profile=None)"
NAMES = {
    "LAMINI", "Attempt", "ConfigError", "Context", "Credential", "CredentialError", "CredentialProvider",
    "CredentialWarning", "CredentialsNotFoundError", "Event", "Kind", "LocalProvider", "Outcome", "PairingError",
    "ProviderConflictError", "ProviderDenied", "ProviderError", "ProviderInvalid", "ProviderUnavailable",
    "ProviderUnsupported", "Resolution", "Resolver", "Secret", "Service", "UnknownProviderError",
    "UntrustedConfigError", "aresolve_credentials", "configure", "hookimpl", "login", "parse_payload", "quiet_logs",
    "reset", "resolve_credentials",
}  # fmt: skip


def members() -> list[tuple[str, object]]:
    """Give every public name, and every public method and property of our classes."""
    found = [(name, getattr(lamini_creds, name)) for name in lamini_creds.__all__]
    for name, kind in [*found]:
        if inspect.isclass(kind):
            found += [
                (f"{name}.{method}", value)
                for method, value in vars(kind).items()
                if not method.startswith("_")
                and (inspect.isfunction(value) or isinstance(value, (property, classmethod)))
            ]
    return found + [(f"testing.{name}", getattr(testing, name)) for name in testing.__all__]


MEMBERS = dict(members())


def without_types(function: object) -> str:
    """Write a signature as DESIGN.md does, without types and without `self`."""
    assert callable(function)
    signature = inspect.signature(function)
    parameters = [
        each.replace(annotation=each.empty)
        for name, each in signature.parameters.items()
        if name not in ("self", "cls")
    ]
    return str(signature.replace(parameters=parameters, return_annotation=signature.empty))


def test_names() -> None:
    """What is public is decided here, and nowhere else by accident."""
    assert NAMES == {*lamini_creds.__all__}


@pytest.mark.parametrize("module", [lamini_creds, testing], ids=lambda module: module.__name__)
def test_sorted(module: ModuleType) -> None:
    """`__all__` is sorted: constants, classes, functions, and each by the alphabet."""
    assert sorted(module.__all__, key=lambda name: (not name.isupper(), name[0].islower(), name)) == [*module.__all__]


@pytest.mark.parametrize("name", lamini_creds.__all__)
def test_importable(name: str) -> None:
    """Every public name is there, also the ones that are imported late."""
    assert getattr(lamini_creds, name) is not None


def test_nothing_else() -> None:
    """A plain import exposes the public names and submodules, and nothing by the way."""
    listing = "import lamini_creds, types; print(*(n for n, v in vars(lamini_creds).items() if not isinstance(v, types.ModuleType)))"
    ran = subprocess.run([sys.executable, "-c", listing], capture_output=True, text=True, check=True)
    exposed = {name for name in ran.stdout.split() if not name.startswith("_")}

    assert {"annotations", "TYPE_CHECKING"} >= exposed - {*lamini_creds.__all__}


def test_no_such_name() -> None:
    """A name that is not there is an AttributeError, as in any module."""
    with pytest.raises(AttributeError, match="no attribute 'resolve_credential'"):
        lamini_creds.resolve_credential  # noqa: B018  # the look-up is the test


def test_star() -> None:
    """A star import gives the public names alone."""
    namespace: dict[str, object] = {}
    exec("from lamini_creds import *", namespace)  # noqa: S102  # a star is not allowed elsewhere
    namespace.pop("__builtins__")

    assert NAMES == {*namespace}


@pytest.mark.parametrize("member", MEMBERS.values(), ids=MEMBERS)
def test_documented(member: object) -> None:
    """Every public thing has a docstring that starts with a sentence."""
    first = (inspect.getdoc(member) or "").partition("\n\n")[0].replace("\n", " ")

    assert first.endswith((".", ":"))
    assert first[:1].isupper()


@pytest.mark.parametrize("name", [name for name, member in MEMBERS.items() if inspect.isfunction(member)])
def test_typed(name: str) -> None:
    """Every public function tells the type of all it takes and gives."""
    signature = inspect.signature(MEMBERS[name])  # type: ignore[arg-type]  # a function, by the selection above
    taken = [each for each in signature.parameters.values() if each.name not in ("self", "cls")]

    assert signature.empty not in [signature.return_annotation, *(each.annotation for each in taken)]


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        pytest.param(lamini_creds.resolve_credentials, CALL, id="resolve_credentials"),
        pytest.param(lamini_creds.aresolve_credentials, CALL, id="aresolve_credentials"),
        pytest.param(Resolver.resolve, CALL, id="Resolver.resolve"),
        pytest.param(Resolver.aresolve, CALL, id="Resolver.aresolve"),
        pytest.param(Resolver.explain, CALL.replace(")", ", all=False)"), id="Resolver.explain"),
        pytest.param(Resolver.invalidate, "(credential)", id="Resolver.invalidate"),
        pytest.param(lamini_creds.configure, "(resolver)", id="configure"),
        pytest.param(lamini_creds.reset, "()", id="reset"),
        pytest.param(Credential.headers, "(*, header=None, scheme=None)", id="Credential.headers"),
        pytest.param(Credential.allows, "(url)", id="Credential.allows"),
        pytest.param(Context.remaining, "()", id="Context.remaining"),
        pytest.param(lamini_creds.CredentialProvider.provide, "(context)", id="CredentialProvider.provide"),
        pytest.param(lamini_creds.LocalProvider.state, "(context)", id="LocalProvider.state"),
        pytest.param(hookspecs.lamini_creds_register_provider, "()", id="lamini_creds_register_provider"),
        pytest.param(hookspecs.lamini_creds_observe, "(event)", id="lamini_creds_observe"),
        pytest.param(testing.assert_no_leak, "(canary, *objects, frames_of='lamini_creds')", id="assert_no_leak"),
        pytest.param(testing.override, "(*, key, url)", id="override"),
        pytest.param(lamini_creds.login, "(*, profile=None, url=None, provider=None)", id="login"),
    ],
)
def test_signature(function: object, expected: str) -> None:
    """It is called as the design says."""
    assert expected == without_types(function)


@pytest.mark.parametrize(
    "function", [lamini_creds.aresolve_credentials, Resolver.aresolve], ids=lambda function: function.__qualname__
)
def test_coroutine(function: object) -> None:
    """What starts with an `a` is awaited."""
    assert inspect.iscoroutinefunction(function)


@pytest.mark.parametrize("make", [Resolver, Resolver.from_file], ids=["class", "from_file"])
def test_made(make: object) -> None:
    """A resolver is made of settings or a file, then service, environ and home by keyword."""
    first = "settings=None" if make is Resolver else "path"

    assert without_types(make).startswith(f"({first}, *, service=")
    assert {"service", "environ", "home"} <= {*inspect.signature(make).parameters}  # type: ignore[arg-type]  # both are callable


@pytest.mark.parametrize(
    "attribute",
    ["key", "url", "provider", "source", "url_source", "profile", "version", "expires_at", "fingerprint", "origin"],
)
def test_credential_has(attribute: str) -> None:
    """A credential has the attributes of the design."""
    assert attribute in dir(Credential)


def test_secret() -> None:
    """A secret is made of a key, all else by keyword, all of it optional."""
    secret = Secret()

    assert (None, None, "", None, None) == (secret.key, secret.url, secret.source, secret.version, secret.expires_at)


@pytest.mark.parametrize("attribute", ["environ", "home", "profile", "deadline", "refresh", "service"])
def test_context_has(attribute: str) -> None:
    """A context can be made of nothing, and has the attributes of the design."""
    assert hasattr(Context(), attribute)


def test_protocols() -> None:
    """A class with `provide` is a provider, one with `state` too a local one: nothing is to be inherited."""

    class Remote:
        def provide(self, _context: Context) -> Secret | None:
            return None

    class Local(Remote):
        def state(self, _context: Context) -> Hashable:
            return None

    assert [(True, False), (True, True), (False, False)] == [
        (isinstance(each, lamini_creds.CredentialProvider), isinstance(each, lamini_creds.LocalProvider))
        for each in (Remote(), Local(), object())
    ]


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_errors_pickle(kind: type[CredentialError]) -> None:
    """Every error pickles with its attempts."""
    attempts = (Attempt("env", Outcome.MISS, "LAMINI_API_KEY", "is not set"),)
    there = pickle.loads(pickle.dumps(kind("no", attempts=attempts)))  # noqa: S301  # our own bytes

    assert (kind, attempts) == (type(there), there.attempts)


def test_raised_errors_pickle(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    """An error that a walk ended with pickles as the caller got it."""
    monkeypatch.chdir(str(tmp_path))
    with pytest.raises(CredentialError) as caught:
        Resolver({}, environ={}).resolve()
    there = pickle.loads(pickle.dumps(caught.value))  # noqa: S301  # our own bytes

    assert (str(caught.value), caught.value.attempts) == (str(there), there.attempts)
