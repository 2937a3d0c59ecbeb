"""The key beside the other handlers of `urllib.request`, and what becomes of the caller's own request."""

from __future__ import annotations

import urllib.request
from typing import Any
from urllib.error import HTTPError

import pytest
from auth.kit import KEY, changing, source_of
from servers.recorder import Recorder, Reply, Seen

from lamini_creds.auth.urllib import CredentialHandler

NEW = "test-key-2"
HANDLERS = [urllib.request.HTTPBasicAuthHandler, urllib.request.HTTPDigestAuthHandler]


def opener(source: object, *handlers: Any) -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(urllib.request.ProxyHandler({}), CredentialHandler(source), *handlers)  # type: ignore[arg-type]


@pytest.mark.parametrize("handler", HANDLERS)
def test_a_handler_of_passwords_leaves_the_key_alone(handler: Any) -> None:
    """A rejected key is renewed once, and no password is sent in its place, whatever the server asks for."""
    asks = {"WWW-Authenticate": 'Basic realm="x", Digest realm="x", nonce="abc", qop="auth"'}
    with Recorder(lambda _: Reply(401, b"who?", asks)) as server:
        passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        passwords.add_password(None, server.url, "somebody", "test-password-1")
        with pytest.raises(HTTPError) as caught:
            opener(changing(server.url, KEY, NEW), handler(passwords)).open(server.url, timeout=5)

        with caught.value as answer:
            assert (401, b"who?") == (answer.code, answer.read())
        assert [f"Bearer {KEY}", f"Bearer {NEW}"] == server.got()


def test_a_password_for_another_server_is_sent() -> None:
    """A request elsewhere is answered for by the handler of passwords, as without us."""

    def answer(seen: Seen) -> Reply:
        return Reply() if seen.get("Authorization") else Reply(401, headers={"WWW-Authenticate": 'Basic realm="x"'})

    with Recorder(answer) as other:
        passwords = urllib.request.HTTPPasswordMgrWithDefaultRealm()
        passwords.add_password(None, other.url, "somebody", "test-password-1")
        handler = urllib.request.HTTPBasicAuthHandler(passwords)
        opener(source_of("http://llm.internal"), handler).open(other.url, timeout=5).close()

        assert [None, "Basic c29tZWJvZHk6dGVzdC1wYXNzd29yZC0x"] == other.got()


def test_the_callers_own_request_has_no_key() -> None:
    """The key is in the request that is sent, and not in the one that was given."""
    with Recorder() as server:
        request = urllib.request.Request(server.url)  # noqa: S310  # the tests' own server
        opener(source_of(server.url)).open(request, timeout=5).close()

        assert ([f"Bearer {KEY}"], False) == (server.got(), KEY in str(request.header_items()))


def test_the_rejected_answer_is_closed() -> None:
    """The answer that rejected the key holds no connection."""
    answers = []

    class Keeps(urllib.request.BaseHandler):
        handler_order = 1  # sees each answer first

        def http_response(self, _: urllib.request.Request, answer: Any) -> Any:
            answers.append(answer)
            return answer

    with Recorder() as server:
        server.answer = lambda seen: Reply(401 if seen.get("Authorization") == f"Bearer {KEY}" else 200, b"x" * 100)
        with opener(changing(server.url, KEY, NEW), Keeps()).open(server.url, timeout=5):
            assert [True, False] == [answer.closed for answer in answers]
