"""What the provider makes of HTTP answers that are not the store's."""

from __future__ import annotations

import pytest
from faults import Answer, FaultProxy
from gcp import RestServer
from gcp_kit import KEY, SECRET, within
from gcp_store import Store
from lamini_creds_gcp import GcpProvider

from lamini_creds import ProviderDenied, ProviderError, ProviderInvalid, ProviderUnavailable
from lamini_creds.testing import assert_no_leak

PAGE = f"<html><body>Sign in, {KEY}</body></html>".encode()
CUT = b'{"name": "projects/1/secrets/a/versions/1", "payload": {"data": "dGVzdC1rZXktZ2Nw'
NO_BASE64 = b'{"name": "projects/1/secrets/a/versions/1", "payload": {"data": "%s!"}}' % KEY.encode()


def raised_for(answer: Answer) -> ProviderError:
    """Give what the provider raises when this answers."""
    with FaultProxy() as proxy:
        proxy.faults = [answer]
        provider = GcpProvider(SECRET, endpoint=f"http://127.0.0.1:{proxy.port}")
        with pytest.raises(ProviderError) as raised:
            provider.provide(within(0.5))
    return raised.value


@pytest.mark.parametrize(
    "body",
    [PAGE, CUT, NO_BASE64, b"", b"[]", b"{}", b"null", b'{"payload": 1}', b'{"payload": {}}', b"\xff\xfe"],
    ids=["page", "cut", "no-base64", "empty", "list", "object", "null", "number", "no-data", "bytes"],
)
def test_wrong_body(body: bytes) -> None:
    """A 200 that is not the store's answer is INVALID, and nothing of it is repeated."""
    error = raised_for(Answer(200, body))

    assert ProviderInvalid is type(error)
    assert_no_leak(KEY, error)


def test_short_body() -> None:
    """A body shorter than its length says is UNAVAILABLE: the connection broke."""
    assert ProviderUnavailable is type(raised_for(Answer(200, CUT, length=1000)))


@pytest.mark.parametrize("status", [408, 409, 425, 429, 500, 502, 503, 504])
def test_page_with_status(status: int) -> None:
    """A gateway's page with a status that passes is UNAVAILABLE, and nothing of it is repeated."""
    error = raised_for(Answer(status, PAGE))

    assert ProviderUnavailable is type(error)
    assert_no_leak(KEY, error)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect(store: Store, status: int) -> None:
    """A redirect is no answer of the store's: INVALID, and nobody goes where it leads."""
    with RestServer(store) as elsewhere:
        url = f"http://127.0.0.1:{elsewhere.port}/v1/{SECRET}/versions/latest:access"
        error = raised_for(Answer(status, b"", {"Location": url}))

    assert (ProviderInvalid, []) == (type(error), store.calls)


def test_forbidding_page() -> None:
    """A gateway's page that forbids is DENIED, and nothing of it is repeated."""
    error = raised_for(Answer(403, PAGE))

    assert ProviderDenied is type(error)
    assert_no_leak(KEY, error)


def test_throttled_for_long() -> None:
    """A time to wait that is longer than there is time is not waited for."""
    assert ProviderUnavailable is type(raised_for(Answer(429, b"{}", {"Retry-After": "600"})))
