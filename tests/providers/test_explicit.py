"""What the caller passes: the mapping of Lamini's documentation, or key and URL themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import MappingProxyType

import pytest

from lamini_creds import Context, CredentialsNotFoundError, ProviderInvalid, Resolver
from lamini_creds.providers.explicit import ExplicitProvider

KEY, URL = "test-key-1", "https://lamini.example.com"

TAKEN = {
    "nested": ({"production": {"key": KEY, "url": URL}}, KEY, URL),
    "key alone": ({"production": {"key": KEY}}, KEY, None),
    "URL alone": ({"production": {"url": URL}}, None, URL),
    "dotted": ({"production.key": KEY, "production.url": URL}, KEY, URL),
    "dotted and nested": ({"production.key": KEY, "production": {"url": URL}}, KEY, URL),
    "dotted beats nested": ({"production.key": KEY, "production": {"key": "k"}}, KEY, None),
    "dotted None leaves it to nested": ({"production.key": None, "production": {"key": KEY}}, KEY, None),
    "None for the key": ({"production": {"key": None, "url": URL}}, None, URL),
    "None for the section": ({"production": None}, None, None),
    "empty section": ({"production": {}}, None, None),
    "extra keys": ({"production": {"key": KEY, "retries": 3}, "staging": 7, 1: 2}, KEY, None),
    "other mappings": (MappingProxyType({"production": MappingProxyType({"key": KEY})}), KEY, None),
}


@pytest.mark.parametrize(("mapping", "key", "url"), TAKEN.values(), ids=TAKEN.keys())
def test_found(mapping: Mapping[str, object], key: str | None, url: str | None) -> None:
    """Key and URL are looked up under the profile, nested or dotted."""
    secret = ExplicitProvider(mapping).provide(Context())

    assert secret is not None
    assert (key, url) == (secret.key, secret.url)


def test_arguments() -> None:
    """Key and URL may be passed themselves."""
    secret = ExplicitProvider(None, KEY, URL).provide(Context())

    assert secret is not None
    assert (KEY, URL, "explicit") == (secret.key, secret.url, secret.source)


def test_absent() -> None:
    """Nothing passed: nothing found."""
    assert ExplicitProvider().provide(Context()) is None


def test_one_field_passed_and_one_in_the_mapping() -> None:
    """An argument and the mapping may complete each other."""
    secret = ExplicitProvider({"production": {"url": URL}}, KEY).provide(Context())

    assert secret is not None
    assert (KEY, URL) == (secret.key, secret.url)


class _Hostile(Mapping[str, object]):
    """A mapping that raises with the key in its words."""

    def __getitem__(self, name: str) -> Mapping[str, str]:
        raise OSError(KEY)

    def __iter__(self) -> Iterator[str]:
        return iter(["production"])

    def __len__(self) -> int:
        return 1


MALFORMED = {
    "blank key": (({"production": {"key": ""}},), "the key passed is blank"),
    "key of blanks": ((None, " \t\n"), "the key passed is blank"),
    "blank URL": ((None, KEY, ""), "the URL passed is blank"),
    "number": (({"production": {"key": 123}},), "the key passed is of type int"),
    "bytes": ((None, b"test-key-1"), "the key passed is of type bytes"),
    "list for the URL": (({"production": {"key": KEY, "url": [URL]}},), "the URL passed is of type list"),
    "another profile": (({"staging": {"key": KEY}},), "the configuration passed has no profile 'production'"),
    "empty mapping": (({},), "the configuration passed has no profile 'production'"),
    "fields without a profile": (({"key": KEY},), "the configuration passed has no profile 'production'"),
    "text for the section": (({"production": KEY},), "holds no mapping under 'production'"),
    "no mapping": ((KEY,), "the configuration passed is of type str"),
    "list of pairs": (([("production", {"key": KEY})],), "the configuration passed is of type list"),
    "key twice": (({"production": {"key": KEY}}, KEY), "the key was passed twice"),
    "URL twice": (({"production": {"url": URL}}, KEY, URL), "the URL was passed twice"),
    "mapping that raises": ((_Hostile(),), "the provider raised OSError"),
    "blank inside the key": ((None, "test key"), "character 5 of the key is a blank"),
    "bearer": ((None, f"Bearer {KEY}"), "the key starts with a header's words"),
    "placeholder": (({"production": {"key": "<YOUR-KEY-HERE>"}},), "placeholder in angle brackets"),
    "query in the URL": ((None, KEY, f"{URL}?key={KEY}"), "query or a fragment"),
}


@pytest.mark.parametrize(("arguments", "reason"), MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed(arguments: tuple[object, ...], reason: str) -> None:
    """What can't be meant is an error, whatever the other places hold, and it shows no value."""
    mapping, key, url = (*arguments, None, None)[:3]
    environ = {"LAMINI_API_KEY": "test-key-2", "LAMINI_API_URL": URL}
    resolver = Resolver({}, environ=environ)

    with pytest.raises(ProviderInvalid, match=reason) as raised:
        resolver.resolve(mapping, key=key, url=url)  # type: ignore[arg-type]  # mistakes are what is tested

    assert KEY not in f"{raised.value!r} {raised.value}"


def test_another_profile() -> None:
    """The section asked for is that of the profile passed beside it."""
    credential = Resolver({}, environ={}).resolve({"staging": {"key": KEY}}, profile="staging")

    assert (KEY, "https://staging.lamini.ai") == (credential.key, credential.url)


def test_not_cached() -> None:
    """What one caller passes is for that call alone."""
    resolver = Resolver({}, environ={})
    resolver.resolve(key=KEY, url=URL)
    resolver.resolve({"production": {"key": KEY}})

    with pytest.raises(CredentialsNotFoundError):
        resolver.resolve()


def test_each_caller_their_own() -> None:
    """Two callers with two keys each get their own."""
    resolver = Resolver({}, environ={})

    assert ["test-key-1", "test-key-2"] == [resolver.resolve(key=key).key for key in ("test-key-1", "test-key-2")]


def test_the_repr_shows_nothing() -> None:
    """The provider made of the arguments prints without them."""
    provider = ExplicitProvider({"production": {"key": KEY}}, KEY, KEY)

    assert KEY not in f"{provider!r} {[getattr(provider, name) for name in provider.__slots__]}"
