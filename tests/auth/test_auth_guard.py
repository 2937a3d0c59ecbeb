"""What the adapters share: the origin of a URL, bodies that are sent twice, mistakes in the options, and nothing that leaks."""

from __future__ import annotations

import asyncio
import io
import traceback
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import requests
from auth.kit import KEY, Open, changing, source_of
from servers.faults import refused_port
from servers.recorder import Recorder, Reply, Seen

from lamini_creds import CredentialError, PairingError
from lamini_creds.auth._onehop import OneHopHeaders, check
from lamini_creds.auth._origin import origin_of
from lamini_creds.auth._replay import Replay
from lamini_creds.auth.httpx import CredentialAuth
from lamini_creds.testing import assert_no_leak

ORIGINS = {
    "https://llm.example.com/v1?a=b#c": "https://llm.example.com",
    "HTTPS://LLM.Example.com:443": "https://llm.example.com",
    "http://llm.example.com:80/": "http://llm.example.com",
    "http://llm.example.com:443/": "http://llm.example.com:443",
    "http://user:password@llm.example.com/": "http://llm.example.com",
    "http://@llm.example.com/": "http://llm.example.com",
    "http://llm.example.com?@evil.example/": "http://llm.example.com",
    "http://llm.example.com#@evil.example/": "http://llm.example.com",
    "http://[0:0::1]:8000/": "http://[::1]:8000",
    "http://llm.example.com./": "http://llm.example.com.",
}
NOBODYS = [
    "", "/v1", "//llm.example.com/", "llm.example.com", "ftp://llm.example.com/", "http:///v1", "http://",
    "http://a@b@llm.example.com/", "http://evil.example\\@llm.example.com/", "http://llm.example.com\\@evil.example/",
    "http://llm.example.com:8000:80/", "http://llm.example.com:/", "http://llm.example.com:+80/", "http://0x7f.1/",
    "http://llm.example.com\t/", "http://llm\n.example.com/", " http://llm.example.com/", "http://llm.ex%61mple.com/",
    "http://[::1/", "http://[::ffff:127.0.0.1]/", "http://b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example/",
]  # fmt: skip


@pytest.mark.parametrize(("url", "origin"), ORIGINS.items())
def test_origin(url: str, origin: str) -> None:
    """The origin is scheme, host and port, whatever else stands in the URL."""
    assert origin == origin_of(url)


@pytest.mark.parametrize("url", NOBODYS)
def test_nobodys_origin(url: str) -> None:
    """A URL that two parsers could read differently has no origin."""
    assert origin_of(url) is None


class Unseekable(io.BytesIO):
    def seek(self, *_: object) -> int:
        raise io.UnsupportedOperation


def generated() -> Iterator[bytes]:
    yield b"part"


async def generated_async() -> AsyncIterator[bytes]:
    yield b"part"


@pytest.mark.parametrize(
    "body", [None, b"bytes", "text", bytearray(b"bytes"), [b"part"], (b"part",), io.BytesIO(b"file")]
)
def test_a_body_that_can_be_sent_twice(body: Any) -> None:
    """Nothing, text, collections and files can be sent again."""
    Replay(body).rewind()


@pytest.mark.parametrize("body", [generated(), generated_async(), iter([b"part"]), Unseekable(b"part"), map(bytes, [])])
def test_a_body_that_can_be_sent_once(body: Any) -> None:
    """What gives its parts once can't be sent again."""
    with pytest.raises(CredentialError, match="can be read once only"):
        Replay(None, body).rewind()


def test_a_file_that_was_closed() -> None:
    """A file that the client closed can't be sent again."""
    body = io.BytesIO(b"file")
    replay = Replay(body)
    body.close()

    with pytest.raises(CredentialError, match="can be read once only"):
        replay.rewind()


def test_a_file_is_set_back_to_where_it_was() -> None:
    """A file is sent from the position that it had."""
    body = io.BytesIO(b"a file")
    body.seek(2)
    replay = Replay(body)
    body.read()
    replay.rewind()

    assert b"file" == body.read()


def test_a_key_is_no_source() -> None:
    """A key in the place of a resolver is refused without being shown."""
    with pytest.raises(TypeError, match="expected a Resolver, a Credential, or nothing") as caught:
        CredentialAuth("test-key-CANARY")  # type: ignore[arg-type]

    shown = "".join(traceback.TracebackException.from_exception(caught.value, capture_locals=True).format())
    assert "CANARY" not in shown.replace('CredentialAuth("test-key-CANARY")', "")


def test_elsewhere_is_one_of_two() -> None:
    """Another word for `elsewhere` is an error."""
    with pytest.raises(ValueError, match='elsewhere is "without" or "raise"'):
        CredentialAuth(elsewhere="ignore")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"header": ""}, "header is the name"),
        ({"header": "X Y"}, "header is the name"),
        ({"header": "X:Y"}, "header is the name"),
        ({"scheme": "Be arer\n"}, "scheme is one word"),
        ({"rejected": "401"}, "rejected is a collection of HTTP statuses"),
        ({"rejected": b"401"}, "rejected is a collection of HTTP statuses"),
        ({"rejected": 401}, "rejected is a collection of HTTP statuses"),
        ({"rejected": (200,)}, "rejected is a collection of HTTP statuses"),
    ],
)
def test_an_option_that_can_not_be_right(options: dict[str, Any], message: str) -> None:
    """What could not be sent, or would never renew a key, is refused when the adapter is made."""
    with pytest.raises(ValueError, match=message):
        CredentialAuth(**options)


def test_a_client_that_copies_headers_in_another_way() -> None:
    """If a version of httpx copied the key for a redirect, the adapter could not be imported."""

    class Copied(OneHopHeaders, dict[str, str]):  # type: ignore[misc]
        plain = dict  # type: ignore[assignment]

        def __init__(self, headers: Any, key: Any) -> None:
            super(OneHopHeaders, self).__init__({**headers, **key.value})

    with pytest.raises(ImportError, match="this version of httpx would forward the key"):
        check(Copied, "httpx")


def locals_of(error: BaseException, *folders: str) -> str:
    """Show the locals of the frames of these folders in a traceback and in all that led to it."""
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    shown = ""
    while told is not None:
        shown += str(
            [frame.locals for frame in told.stack if any(f"/{folder}/" in frame.filename for folder in folders)]
        )
        told = told.__cause__ or told.__context__  # type: ignore[assignment]
    return shown


def test_no_frame_shows_the_key(opened: Open, client: str) -> None:
    """When a server can't be reached no frame of ours shows the key."""
    with refused_port() as port:
        sender = opened(source_of(f"http://127.0.0.1:{port}"), header="X-API-Key")
        with pytest.raises(Exception) as caught:  # noqa: PT011  # each client has its own
            sender.send(f"http://127.0.0.1:{port}")

    assert KEY not in locals_of(caught.value, "lamini_creds")


def test_no_frame_of_the_client_shows_the_key(opened: Open, client: str) -> None:
    """When a server does not answer, the frames of the client show no key either."""
    if client == "urllib":
        pytest.skip("the standard library has the headers in a local dict")

    async def never(_: Seen) -> Reply:
        await asyncio.Event().wait()
        return Reply()

    with Recorder(never) as server:
        sender = opened(source_of(server.url), header="X-API-Key", timeout=0.2)
        with pytest.raises(Exception) as caught:  # noqa: PT011  # each client has its own
            sender.send(server.url)

        assert server.seen[0].shows(KEY)
    assert KEY not in locals_of(caught.value, "site-packages", "lamini_creds")


def test_no_error_of_ours_shows_the_key(opened: Open) -> None:
    """Neither the error for a request elsewhere nor the one for a body that is gone has the key anywhere."""
    with Recorder(lambda _: Reply(401)) as server:
        strict = opened(changing(server.url, KEY, "test-key-2"), elsewhere="raise", header="X-API-Key")
        with pytest.raises(PairingError) as elsewhere:
            strict.send("http://127.0.0.2:1/")
        with pytest.raises(CredentialError) as gone:
            strict.send(server.url, "POST", generated())

    for key in (KEY, "test-key-2"):
        assert_no_leak(key, elsewhere.value, gone.value)


def test_the_frames_of_urllib3_show_names_alone() -> None:
    """Headers that urllib3's frames hold print without their values."""
    from lamini_creds.auth.urllib3 import _Headers

    assert "<1 headers>" == repr(_Headers(Authorization=KEY))


def test_a_prepared_request_can_be_redirected_many_times() -> None:
    """A request that `requests` has prepared once gets to its origin with the key after it was led elsewhere, too."""
    from lamini_creds.auth.requests import CredentialAuth

    with Recorder() as server, Recorder() as other, requests.Session() as session:
        session.trust_env = False
        asked = f"Bearer {KEY}"
        away = {"Location": other.url}
        server.answer = lambda seen: Reply(302, headers=away) if seen.get("Authorization") == asked else Reply(401)
        auth = CredentialAuth(source_of(server.url))
        prepared = session.prepare_request(requests.Request("GET", server.url, auth=auth))

        assert [200, 200] == [session.send(prepared).status_code for _ in range(2)]
        assert [None, None] == other.got()


def test_a_prepared_request_can_be_sent_many_times() -> None:
    """A request that `requests` has prepared once carries the key of each time, renewed as often as it is rejected."""
    from lamini_creds.auth.requests import CredentialAuth

    with Recorder() as server, requests.Session() as session:
        session.trust_env = False
        auth = CredentialAuth(changing(server.url, KEY, "test-key-2", "test-key-3"))
        prepared = session.prepare_request(requests.Request("GET", server.url, auth=auth))
        statuses = []
        for key in (KEY, "test-key-2", "test-key-2", "test-key-3"):
            server.answer = lambda seen, key=key: Reply(200 if seen.get("Authorization") == f"Bearer {key}" else 401)  # type: ignore[misc]
            statuses.append(session.send(prepared).status_code)

    assert [200] * 4 == statuses
