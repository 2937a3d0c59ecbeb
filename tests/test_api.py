"""The functions of the package, its process-wide resolver, and what frameworks make of them."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

import lamini_creds
from lamini_creds import (
    LAMINI,
    ConfigError,
    CredentialError,
    CredentialsNotFoundError,
    CredentialWarning,
    PairingError,
    ProviderInvalid,
    Resolver,
    Service,
    UntrustedConfigError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    """No process-wide resolver before or after."""
    lamini_creds.reset()
    yield
    lamini_creds.reset()


def test_configure_sets_the_resolver() -> None:
    """What `configure` was given answers."""
    lamini_creds.configure(Resolver(environ={"LAMINI_API_KEY": "test-key-configured"}))

    assert "test-key-configured" == lamini_creds.resolve_credentials().key


def test_configure_twice_is_an_error() -> None:
    """The process-wide resolver is set once, before its first use."""
    lamini_creds.configure(Resolver(environ={}))

    with pytest.raises(ConfigError, match="in use already"):
        lamini_creds.configure(Resolver(environ={}))


def test_aresolve_uses_the_same_resolver() -> None:
    """The async function finds what the other one finds."""
    lamini_creds.configure(Resolver(environ={"LAMINI_API_KEY": "test-key-configured"}))

    assert "test-key-configured" == asyncio.run(lamini_creds.aresolve_credentials()).key


def test_arguments_are_passed_on() -> None:
    """Key, URL and profile of the call count."""
    found = lamini_creds.resolve_credentials(key="test-key-1", url="https://a.example", profile="blue")

    assert ("test-key-1", "https://a.example", "blue") == (found.key, found.url, found.profile)


@pytest.mark.parametrize(
    "function",
    [lamini_creds.resolve_credentials, lamini_creds.aresolve_credentials, Resolver(environ={}).resolve],
    ids=["resolve_credentials", "aresolve_credentials", "method"],
)
def test_fastapi_refuses_it_as_a_dependency(function: object) -> None:
    """A remote caller can't choose the URL: the application does not start."""
    fastapi = pytest.importorskip("fastapi")
    app = fastapi.FastAPI()

    with pytest.raises(TypeError, match="can't be a dependency itself"):
        app.get("/")(lambda credential=fastapi.Depends(function): None)  # noqa: ARG005, B008


def test_fastapi_takes_a_function_around_it() -> None:
    """Wrapped, it is a dependency like any other, and nothing of a request reaches it."""
    fastapi, httpx = pytest.importorskip("fastapi"), pytest.importorskip("httpx")
    lamini_creds.configure(Resolver({}, environ={"LAMINI_API_KEY": "test-key-1"}))
    app = fastapi.FastAPI()

    def credential() -> lamini_creds.Credential:
        return lamini_creds.resolve_credentials()

    app.get("/")(lambda found=fastapi.Depends(credential): found.url)  # noqa: B008  # FastAPI's own way

    async def ask() -> object:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://app") as client:
            return (await client.get("/", params={"url": "https://theirs.example", "key": "x"})).json()

    assert "https://api.lamini.ai" == asyncio.run(ask())


def test_an_unknown_attribute() -> None:
    """The package has no other names than its own."""
    with pytest.raises(AttributeError, match="no_such_name"):
        lamini_creds.no_such_name  # noqa: B018


def resolver(home: Path | None = None, settings: dict[str, object] | None = None, **environ: str) -> Resolver:
    return Resolver(settings, environ=environ, home=home)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with Lamini's YAML: a key bound to one URL."""
    (tmp_path / ".powerml").mkdir()
    file = tmp_path / ".powerml" / "configure_llama.yaml"
    file.write_text("production: {key: test-key-yaml, url: 'https://own.example/base/'}\n")
    file.chmod(0o600)
    return tmp_path


def test_a_bound_key_goes_to_its_url(home: Path) -> None:
    """A key stored with a URL is given with that URL."""
    assert "https://own.example/base" == resolver(home).resolve().url


def test_another_origin_is_a_pairing_error(home: Path) -> None:
    """A higher URL of another origin is refused, naming both places."""
    with pytest.raises(PairingError) as caught:
        resolver(home, LAMINI_API_URL="https://else.example").resolve()

    assert ["LAMINI_API_URL" in str(caught.value), "configure_llama.yaml" in str(caught.value)] == [True, True]


def test_another_path_of_the_same_origin_is_taken(home: Path) -> None:
    """The higher place chooses the path."""
    assert "https://own.example/v2" == resolver(home, LAMINI_API_URL="https://own.example/v2").resolve().url


def test_allow_origins_lets_the_key_go(home: Path) -> None:
    """A trusted setting may name a second origin."""
    settings: dict[str, object] = {"allow_origins": ["https://else.example"]}

    assert "https://else.example" == resolver(home, settings).resolve(url="https://else.example").url


def test_a_key_without_url_takes_the_nearest(home: Path) -> None:
    """LAMINI_API_KEY goes to the URL of the home YAML."""
    found = resolver(home, LAMINI_API_KEY="test-key-env").resolve()

    assert ("test-key-env", "https://own.example/base") == (found.key, found.url)


def test_a_dropped_place_still_has_its_url(home: Path) -> None:
    """The YAML's URL counts although the order leaves YAML out."""
    found = resolver(home, {"providers": ["env"]}, LAMINI_API_KEY="test-key-env").resolve()

    assert "https://own.example/base" == found.url


def test_a_broken_url_place_is_no_reason_for_the_default(home: Path) -> None:
    """A YAML file that can't be read is an error for a key that needs its URL."""
    (home / ".powerml" / "configure_llama.yaml").write_text("production: [")

    with pytest.raises(ProviderInvalid, match="configure_llama"):
        resolver(home, LAMINI_API_KEY="test-key-env").resolve()


def test_key_and_url_together_ask_nobody(home: Path) -> None:
    """Beside explicit key and URL a broken file does no harm."""
    (home / ".powerml" / "configure_llama.yaml").write_text("production: [")

    assert "explicit" == resolver(home).resolve(key="test-key-1", url="https://a.example").source


def test_a_profile_without_default_url() -> None:
    """Only three profiles have a default URL."""
    with pytest.raises(ProviderInvalid, match="profile 'blue' has no URL"):
        resolver().resolve(key="test-key-1", profile="blue")


def test_public_http_is_refused_with_the_line_that_allows_it() -> None:
    """The error prints the setting."""
    with pytest.raises(ProviderInvalid, match=r'http = \["http://a\.example\.com"\]'):
        resolver().resolve(key="test-key-1", url="http://a.example.com")


def test_private_http_warns_once() -> None:
    """A private host is allowed, with one warning however often it is asked."""
    asking = resolver(LAMINI_API_KEY="test-key-1", LAMINI_API_URL="http://10.1.2.3:8000")
    with pytest.warns(CredentialWarning, match="plain http") as warned:
        keys = {asking.resolve().key for _ in range(5)}

    assert ({"test-key-1"}, 1) == (keys, len(warned))


def test_listing_the_origin_silences_the_warning() -> None:
    """`http = [ORIGIN]` is the user's consent."""
    settings: dict[str, object] = {"http": ["http://10.1.2.3:8000"]}

    assert resolver(None, settings).resolve(key="test-key-1", url="http://10.1.2.3:8000")


@pytest.mark.parametrize(
    ("value", "profile"), [("LOCAL", "local"), ("STAGING", "staging"), ("PRODUCTION", "production"), ("", "production")]
)
def test_the_services_own_variable_names_the_profile(value: str, profile: str) -> None:
    """LLAMA_ENVIRONMENT counts as for Lamini's clients."""
    assert profile == resolver(LLAMA_ENVIRONMENT=value, LAMINI_API_KEY="test-key-1").resolve().profile


def test_a_miscased_environment_warns() -> None:
    """A value that Lamini's clients take for production is production here, with a warning."""
    with pytest.warns(CredentialWarning, match="LLAMA_ENVIRONMENT"):
        assert "production" == resolver(LLAMA_ENVIRONMENT="staging", LAMINI_API_KEY="test-key-1").resolve().profile


def test_our_variable_comes_before_the_services() -> None:
    """LAMINI_CREDS_PROFILE wins over LLAMA_ENVIRONMENT."""
    asking = resolver(LLAMA_ENVIRONMENT="LOCAL", LAMINI_CREDS_PROFILE="staging", LAMINI_API_KEY="test-key-1")

    assert "staging" == asking.resolve().profile


def test_flat_variables_speak_for_the_ambient_profile() -> None:
    """A caller who names another profile does not get LAMINI_API_KEY."""
    with pytest.raises(CredentialsNotFoundError):
        resolver(LAMINI_API_KEY="test-key-1").resolve(profile="staging")


def test_a_profiles_own_variables() -> None:
    """LAMINI__STAGING__KEY speaks for staging, whoever asks."""
    assert "test-key-2" == resolver(LAMINI__STAGING__KEY="test-key-2").resolve(profile="staging").key


def test_not_a_profile() -> None:
    """A profile's name that is none is a mistake of the configuration or the caller."""
    with pytest.raises(ConfigError, match="not a profile's name"):
        resolver().resolve(profile="no/profile")


def test_near_misses_are_told() -> None:
    """A variable of a similar name is named, with the name that is read."""
    with pytest.raises(CredentialsNotFoundError) as caught:
        resolver(LAMINI_KEY="test-key-1", POWERML_API_KEY="test-key-2", lamini__production__key="test-key-3").resolve()

    shown = str(caught.value)
    assert [True, True, False] == [
        "LAMINI_KEY is set; the name read is LAMINI_API_KEY" in shown,
        "POWERML_API_KEY is set" in shown,
        "test-key" in shown,
    ]


def test_a_dotenv_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An .env in the working directory is never read, and the error says so."""
    (tmp_path / ".env").write_text("LAMINI_API_KEY=test-key-1")
    monkeypatch.chdir(tmp_path)

    with pytest.raises(CredentialsNotFoundError, match=r"\.env is here and is never read"):
        resolver().resolve()


def test_a_thousand_profiles_leave_a_bounded_number_of_chains() -> None:
    """A program that makes up profiles does not fill the memory."""
    asking = resolver(LAMINI_API_KEY="test-key-1")
    asking.resolve()
    for number in range(1000):
        asking.explain(profile=f"p{number}")

    assert 130 > len(asking._setup.chains)


def test_another_service() -> None:
    """The same machinery finds another API's key under its own names."""
    service = Service("acme", urls={"production": "https://api.acme.example"}, header="X-API-Key", scheme="")
    found = Resolver(service=service, environ={"ACME_API_KEY": "test-key-1"}).resolve()

    assert {"X-API-Key": "test-key-1"} == found.headers()


def test_messages_use_the_services_names() -> None:
    """What is missing is named by the service's variable."""
    with pytest.raises(CredentialsNotFoundError, match="Set ACME_API_KEY"):
        Resolver(service=Service("acme"), environ={}).resolve()


def test_lamini_is_built_in() -> None:
    """The default service is Lamini."""
    assert "LAMINI_API_KEY" == LAMINI.key_variable


HOSTILE = {
    "profile": 'profile = "staging"',
    "option": '[tool.lamini_creds.provider.yaml]\npath = "/tmp/theirs.yaml"',
    "label": 'providers = ["yaml:theirs"]',
    "timing": "deadline = 1.0",
    "ttl": "[tool.lamini_creds.provider.aws]\nttl = 1.0",
    "continue_on": 'continue_on = ["denied"]',
    "observers": 'observers = ["theirs"]',
    "allow_origins": 'allow_origins = ["https://theirs.example"]',
    "http": 'http = "any"',
    "entry": 'providers = ["aws"]',
    "overlay": '[tool.lamini_creds.profile.production]\nproviders = ["env"]',
}


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout that is the working directory."""
    folder = tmp_path / "checkout"
    (folder / ".git").mkdir(parents=True)
    folder.chmod(0o755)
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_checkout_is_refused(checkout: Path, home: Path, what: str) -> None:
    """Each setting but the order needs trust; file, table and both remedies are named."""
    file = checkout / "pyproject.toml"
    file.write_text(f"[tool.lamini_creds]\n{HOSTILE[what]}\n")

    with pytest.raises(UntrustedConfigError) as caught:
        resolver(home).resolve()

    shown = str(caught.value)
    expected = (f"{file}: [tool.lamini_creds", f"lamini-creds trust {file}", f"LAMINI_CREDS_CONFIG={file}")
    assert [True] * 3 == [text in shown for text in expected]


def test_a_checkout_may_drop_and_reorder(checkout: Path, home: Path) -> None:
    """Without trust the order may lose entries of the trusted chain."""
    (checkout / "pyproject.toml").write_text('[tool.lamini_creds]\nproviders = ["yaml"]\n')

    assert "test-key-yaml" == resolver(home, LAMINI_API_KEY="test-key-env").resolve().key


def test_a_named_file_is_trusted(checkout: Path, home: Path) -> None:
    """A file that the environment names may set everything."""
    file = checkout / "pyproject.toml"
    file.write_text('[tool.lamini_creds]\nprofile = "staging"\n')

    asking = resolver(home, LAMINI_CREDS_CONFIG=str(file), LAMINI_API_KEY="test-key-env")
    assert "staging" == asking.resolve().profile


def test_from_file(checkout: Path) -> None:
    """A file given in Python is trusted too."""
    file = checkout / "settings.toml"
    file.write_text('default_profile = "local"\n')

    assert "local" == Resolver.from_file(file, environ={"LAMINI_API_KEY": "test-key-env"}).resolve().profile


def test_settings_given_in_python_search_no_project(checkout: Path, home: Path) -> None:
    """With settings the checkout's file is not looked at."""
    (checkout / "pyproject.toml").write_text('[tool.lamini_creds]\nhttp = "any"\n')

    assert resolver(home, {}).resolve()


def test_no_project(checkout: Path, home: Path) -> None:
    """LAMINI_CREDS_NO_PROJECT=1 turns the search off."""
    (checkout / "pyproject.toml").write_text('[tool.lamini_creds]\nhttp = "any"\n')

    assert resolver(home, LAMINI_CREDS_NO_PROJECT="1").resolve()


def test_a_directory_that_others_can_write_to_is_passed_over(checkout: Path, home: Path) -> None:
    """A file that anybody could have put there is not read."""
    (checkout / "pyproject.toml").write_text('[tool.lamini_creds]\nhttp = "any"\n')
    checkout.chmod(0o777)

    assert resolver(home).resolve()


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"provders": ["env"]}, "did you mean 'providers'"),
        ({"providers": "env"}, "providers"),
        ({"providers": ["env", "env"]}, "twice"),
        ({"providers": ["No Name"]}, "item 1"),
        ({"deadline": "soon"}, "deadline"),
        ({"deadline": -1}, "deadline"),
        ({"http": "everywhere"}, "http"),
        ({"allow_origins": ["nonsense"]}, "item 1"),
        ({"continue_on": ["invalid"]}, "'denied', 'unavailable', 'unsupported'"),
        ({"provider": {"yaml": {"pth": "x"}}}, "did you mean 'path'"),
        ({"provider": {"yaml": {"permissions": "lax"}}}, "'strict', 'warn', 'off'"),
        ({"provider": {"nobody": {"x": 1}}}, "nobody"),
        ({"provider": 3}, "provider"),
        ({"profile": {"blue": {"http": "any"}}}, "http"),
    ],
)
def test_mistakes_are_named(settings: dict[str, object], told: str) -> None:
    """Every mistake in the settings is an error that names it."""
    with pytest.raises(ConfigError) as caught:
        resolver(None, settings).resolve()

    assert told in str(caught.value)


def test_layers_are_merged_setting_by_setting(home: Path, tmp_path: Path) -> None:
    """Code comes before the environment, which comes before the user's file."""
    folder = tmp_path / ".config" / "lamini_creds"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text('default_profile = "local"\nproviders = ["yaml"]\n')
    asking = resolver(home, None, LAMINI_CREDS_PROVIDERS="env", LAMINI_API_KEY="test-key-env", HOME=str(home))

    found = asking.resolve()
    assert ("env", "local") == (found.provider, found.profile)


def test_overlays_of_a_profile(home: Path) -> None:
    """A profile may have an order of its own."""
    settings: dict[str, object] = {"profile": {"blue": {"providers": ["yaml"]}}}
    attempts = resolver(home, settings).explain(profile="blue").attempts

    assert ["explicit", "yaml", "yaml"] == [attempt.entry for attempt in attempts]


def test_the_report_is_json(home: Path) -> None:
    """`as_dict()` is fit for a health endpoint, and shows no key."""
    shown = json.dumps(resolver(home).explain(all=True).as_dict())

    assert (True, False) == ('"found": true' in shown, "test-key" in shown)


def test_shadowed_entries(home: Path) -> None:
    """`explain(all=True)` asks on after the winner."""
    attempts = resolver(home, LAMINI_API_KEY="test-key-env").explain(all=True).attempts

    assert ["yaml"] == [attempt.entry for attempt in attempts if attempt.shadowed and attempt.outcome == "found"]


def test_errors_carry_the_attempts() -> None:
    """An error tells who was asked."""
    with pytest.raises(CredentialError) as caught:
        resolver(None, {"providers": ["env"]}).resolve()

    assert ["explicit", "env"] == [attempt.entry for attempt in caught.value.attempts]


def test_invalidate_reads_a_local_place_anew(home: Path) -> None:
    """A rejected key of a file is read again."""
    asking = resolver(home)
    asking.invalidate(asking.resolve())

    assert asking.remembered() is None
