"""A test's credential stands in for the machine's, for as long as it says."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

import lamini_creds
from lamini_creds import Resolver, Service, aresolve_credentials, resolve_credentials
from lamini_creds.testing import assert_no_leak, override

KEY, URL = "test-key-override", "http://testserver"


@pytest.fixture(autouse=True)
def _machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAMINI_API_KEY", "test-key-of-the-machine")
    lamini_creds.reset()


def test_it_is_what_resolve_credentials_gives() -> None:
    """Key and URL are the test's, whatever the environment holds."""
    with override(key=KEY, url=URL):
        credential = resolve_credentials()

    assert (KEY, URL) == (credential.key, credential.url)


def test_it_serves_every_profile() -> None:
    """A profile that is asked for by name gets it too."""
    with override(key=KEY, url=URL):
        assert KEY == resolve_credentials(profile="staging").key


def test_it_serves_the_event_loop() -> None:
    """`aresolve_credentials` gives it as well."""
    with override(key=KEY, url=URL):
        assert KEY == asyncio.run(aresolve_credentials()).key


def test_what_the_caller_passes_comes_first() -> None:
    """An explicit key is used as without it."""
    with override(key=KEY, url=URL):
        assert resolve_credentials(key="test-key-passed", url=URL).key == "test-key-passed"


def test_it_ends_with_the_block() -> None:
    """Afterwards the machine's own key is found again."""
    with override(key=KEY, url=URL):
        resolve_credentials()

    assert resolve_credentials().key == "test-key-of-the-machine"


def test_it_ends_when_the_test_fails() -> None:
    """An exception ends it like everything else."""
    with pytest.raises(ZeroDivisionError), override(key=KEY, url=URL):
        raise ZeroDivisionError

    assert resolve_credentials().key == "test-key-of-the-machine"


def test_the_inner_of_two_counts() -> None:
    """They nest."""
    with override(key=KEY, url=URL):
        with override(key="test-key-inner", url=URL):
            inner = resolve_credentials()

        assert ("test-key-inner", KEY) == (inner.key, resolve_credentials().key)


def test_it_decorates_a_function() -> None:
    """As a decorator it holds for each call."""

    @override(key=KEY, url=URL)
    def application() -> str:
        return resolve_credentials().key

    assert KEY == application()


def test_it_decorates_a_coroutine_function() -> None:
    """It holds until what was awaited is done, not only until it is begun."""

    @override(key=KEY, url=URL)
    async def application() -> str:
        await asyncio.sleep(0)
        return (await aresolve_credentials()).key

    assert [KEY, "test-key-of-the-machine"] == [asyncio.run(application()), resolve_credentials().key]


def test_two_that_overlap() -> None:
    """The one that began first may end first, as in two threads: the other holds on, and then the machine is back."""
    first, second = override(key=KEY, url=URL), override(key="test-key-second", url=URL)
    first.__enter__()
    second.__enter__()
    first.__exit__()
    between = resolve_credentials().key
    second.__exit__()

    assert ("test-key-second", "test-key-of-the-machine") == (between, resolve_credentials().key)


def test_it_speaks_for_the_configured_service() -> None:
    """The header is that of the service whose resolver it stands in for."""
    lamini_creds.configure(Resolver(service=Service("Acme", prefix="ACME", header="X-API-Key", scheme="")))
    with override(key=KEY, url=URL):
        headers = resolve_credentials().headers()
    lamini_creds.reset()

    assert {"X-API-Key": KEY} == headers


def test_it_gives_its_resolver() -> None:
    """An application that takes a resolver is given the one of the block."""
    with override(key=KEY, url=URL) as resolver:
        assert KEY == resolver.resolve().key


def test_it_shows_no_key() -> None:
    """A URL that can't be right is an error without the key."""
    with pytest.raises(lamini_creds.CredentialError) as raised, override(key=KEY, url="nowhere at all"):
        resolve_credentials()

    assert_no_leak(KEY, raised.value)


@pytest.mark.parametrize("blank", ["", " ", None])
def test_it_needs_both(blank: Any) -> None:
    """A blank key or URL would leave a default in its place: it is refused, without what is given beside it."""
    with pytest.raises(ValueError, match="url must not be blank") as no_url:
        override(key=KEY, url=blank)
    with pytest.raises(ValueError, match="key must not be blank"):
        override(key=blank, url=URL)

    assert_no_leak(KEY, no_url.value)
