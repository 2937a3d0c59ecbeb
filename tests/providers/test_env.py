"""The environment: which variables count, for which profile, and that a changed one is seen."""

from __future__ import annotations

import pytest

from lamini_creds import Context, CredentialsNotFoundError, ProviderInvalid, Resolver, Secret, Service
from lamini_creds.providers.env import EnvProvider

KEY, OTHER, URL = "test-key-1", "test-key-2", "https://lamini.example.com"


def _provide(environ: dict[str, str], profile: str = "production", *, ambient: bool = True) -> Secret:
    context = Context(environ=environ, profile=profile, ambient=ambient)
    (place,) = EnvProvider().places(context)
    secret = place.provide(context)
    assert secret is not None
    return secret


def test_found() -> None:
    """Key and URL come from the flat variables, each with its own name as the place."""
    secret = _provide({"LAMINI_API_KEY": KEY, "LAMINI_API_URL": URL})

    assert (KEY, URL) == (secret.key, secret.url)
    assert ("LAMINI_API_KEY", "LAMINI_API_URL") == (secret.source, secret.url_source)


def test_absent() -> None:
    """Where nothing is set, the first name is given with the reason."""
    secret = _provide({})

    assert (None, None) == (secret.key, secret.url)
    assert ("LAMINI_API_KEY", "is not set") == (secret.source, secret.reason)


@pytest.mark.parametrize("blank", ["", " ", "\t\r\n"])
def test_blank_is_absent(blank: str) -> None:
    """A blank variable does not hide the next one."""
    secret = _provide({"LAMINI_API_KEY": blank, "LAMINI__PRODUCTION__KEY": KEY})

    assert ("LAMINI__PRODUCTION__KEY", KEY) == (secret.source, secret.key)


def test_partial() -> None:
    """Key and URL may stand in variables of different spelling: the environment is one place."""
    secret = _provide({"LAMINI__PRODUCTION__KEY": KEY, "LAMINI_API_URL": URL})

    assert (KEY, URL) == (secret.key, secret.url)


def test_url_alone() -> None:
    """A URL without a key is given on, for a key of another place."""
    secret = _provide({"LAMINI__PRODUCTION__URL": URL})

    assert (None, URL) == (secret.key, secret.url)


def test_malformed() -> None:
    """A key that no header can carry names the variable and the position, not the value."""
    with pytest.raises(ProviderInvalid, match="character 5 of the key is a blank") as raised:
        Resolver({}, environ={"LAMINI_API_KEY": "test key"}).resolve()

    assert raised.value.place == "env: LAMINI_API_KEY"


@pytest.mark.parametrize(
    "environ",
    [{"LAMINI_API_KEY": KEY, "LAMINI_API_URL": URL}, {"LAMINI_API_KEY": KEY, "LAMINI__PRODUCTION__KEY": KEY}],
    ids=["flat", "other profile's"],
)
def test_other_profiles_get_nothing(environ: dict[str, str]) -> None:
    """The flat variables speak for the ambient profile, and a section's for its own."""
    secret = _provide(environ, "staging", ambient=False)

    assert (None, None) == (secret.key, secret.url)


def test_a_named_profile_that_is_the_ambient_one() -> None:
    """A caller who names the ambient profile gets the flat variables."""
    environ = {"LLAMA_ENVIRONMENT": "STAGING", "LAMINI_API_KEY": KEY}

    assert Resolver({}, environ=environ).resolve(profile="staging").key == KEY


def test_a_named_profile_beside_the_ambient_one() -> None:
    """A caller who names another profile than the ambient one does not get them."""
    resolver = Resolver({}, environ={"LLAMA_ENVIRONMENT": "STAGING", "LAMINI_API_KEY": KEY})

    with pytest.raises(CredentialsNotFoundError):
        resolver.resolve(profile="production")


@pytest.mark.parametrize(
    ("variable", "profile"),
    [
        ("LAMINI__PRODUCTION__KEY", "production"),
        ("LAMINI__MY_TEAM_EU_1__KEY", "my-team.eu_1"),
        ("LAMINI__A__B__KEY", "a__b"),
        ("LAMINI__production__key", "production"),
        ("LAMINI__Production__Key", "production"),
        ("LAMINI__PRODUCTION__KEY__", "production"),
        ("LAMINI____PRODUCTION__KEY", "production"),
        ("LAMINI__PRODUCTION.KEY", "production"),
        ("LAMINI__MY-TEAM__KEY", "my-team"),
    ],
)
def test_spellings(variable: str, profile: str) -> None:
    """A section's variable is found in capitals and in the odd spellings that Lamini's clients take."""
    secret = _provide({variable: KEY}, profile, ambient=False)

    assert (variable, KEY) == (secret.source, secret.key)


@pytest.mark.parametrize(
    "variable",
    [
        "lamini__production__key", "LAMINI_PRODUCTION_KEY", "LAMINI__PRODUCTION_KEY", "LAMINI_PRODUCTION__KEY",
        "LAMINI__KEY", "LAMINI_KEY", "LAMINI_TOKEN", "LAMINI_BASE_URL", "POWERML_API_KEY", "POWERML__PRODUCTION__KEY",
        "LAMINI__PRODUCTION__KEY__X", "LAMINI__PRODUCTION__TOKEN", "LAMINI_API_KEY_FILE", "lamini_api_key",
    ],
)  # fmt: skip
def test_other_names_are_not_read(variable: str) -> None:
    """Near misses are not read."""
    assert _provide({variable: KEY}).key is None


def test_the_usual_spelling_first() -> None:
    """The spelling of the documentation beats the odd ones."""
    environ = {"LAMINI__production__key": OTHER, "LAMINI__PRODUCTION__KEY": KEY}

    assert _provide(environ).key == KEY


def test_another_service() -> None:
    """A service of another name has its own variables."""
    resolver = Resolver(
        {},
        service=Service("vLLM"),
        environ={"VLLM_API_KEY": KEY, "VLLM__PRODUCTION__URL": URL, "LAMINI_API_KEY": OTHER},
    )

    assert (KEY, URL) == (resolver.resolve().key, resolver.resolve().url)


STEPS = [
    ({"LAMINI_API_KEY": OTHER}, OTHER, URL),
    ({"LAMINI_API_URL": "https://other.example.com"}, KEY, "https://other.example.com"),
    ({"LAMINI_API_KEY": "", "LAMINI__PRODUCTION__KEY": OTHER}, OTHER, URL),
    ({"LAMINI_API_KEY": " ", "LAMINI__PRODUCTION__KEY": OTHER}, OTHER, URL),
    ({"LAMINI_API_URL": " ", "LAMINI__PRODUCTION__URL": "https://other.example.com"}, KEY, "https://other.example.com"),
    ({"LAMINI_API_URL": ""}, KEY, "https://api.lamini.ai"),
]


@pytest.mark.parametrize(("change", "key", "url"), STEPS)
def test_a_change_is_seen_at_the_next_call(change: dict[str, str], key: str, url: str) -> None:
    """Variables are read at every call."""
    environ = {"LAMINI_API_KEY": KEY, "LAMINI_API_URL": URL}
    resolver = Resolver({}, environ=environ)
    resolver.resolve()

    environ.update(change)

    assert (key, url) == (resolver.resolve().key, resolver.resolve().url)


def test_a_change_behind_a_blank_variable_is_seen() -> None:
    """A blank flat variable lets the section's one count, and so its changes too."""
    environ = {"LAMINI_API_KEY": " ", "LAMINI_API_URL": URL, "LAMINI__PRODUCTION__KEY": KEY}
    resolver = Resolver({}, environ=environ)
    resolver.resolve()

    environ["LAMINI__PRODUCTION__KEY"] = OTHER

    assert resolver.resolve().key == OTHER


def test_a_change_of_an_odd_spelling_is_seen() -> None:
    """A variable of odd spelling that was there at the start is read at every call."""
    environ = {"LAMINI__production__key": KEY}
    resolver = Resolver({}, environ=environ)
    resolver.resolve()

    environ["LAMINI__production__key"] = OTHER

    assert resolver.resolve().key == OTHER


def test_a_deleted_variable_is_seen() -> None:
    """A variable that is unset counts no more."""
    environ = {"LAMINI_API_KEY": KEY}
    resolver = Resolver({}, environ=environ)
    resolver.resolve()

    del environ["LAMINI_API_KEY"]

    with pytest.raises(CredentialsNotFoundError):
        resolver.resolve()
