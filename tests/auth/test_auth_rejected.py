"""A rejected key is fetched anew and the request sent once more; where that is no use, the answer is the server's own."""

from __future__ import annotations

import io
import logging
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pytest
from auth.kit import KEY, Keys, Open, changing, source_of
from servers.recorder import Recorder, Reply, Seen

from lamini_creds import CredentialError, ProviderUnavailable, Resolver, Secret
from lamini_creds.testing import ScriptedProvider, resolver_of

NEW = "test-key-2"
BODY = b"a body of some length " * 1000


def asking_for(key: str, status: int = 401) -> Callable[[Seen], Reply]:
    """Answer requests with this key, and refuse all others."""
    return lambda seen: (
        Reply(body=b"welcome") if seen.get("Authorization") == f"Bearer {key}" else Reply(status, b"who?")
    )


@pytest.mark.parametrize("status", [401, 403, 419])
def test_a_rejected_key_is_fetched_anew(opened: Open, status: int) -> None:
    """After a 401, or another status where it was asked for, the request is sent once more with the store's new key."""
    with Recorder(asking_for(NEW, status)) as server:
        answer = opened(changing(server.url, KEY, NEW), rejected=(401, 403, 419)).send(f"{server.url}/v1")

        assert (200, b"welcome") == answer
        assert [f"Bearer {KEY}", f"Bearer {NEW}"] == server.got()


def test_a_403_is_the_callers(opened: Open) -> None:
    """By default a 403 is no rejection of the key."""
    with Recorder(asking_for(NEW, 403)) as server:
        answer = opened(changing(server.url, KEY, NEW)).send(f"{server.url}/v1")

        assert ((403, b"who?"), 1) == (answer, len(server.seen))


def test_once_more_and_not_twice(opened: Open) -> None:
    """If the new key is rejected too, the second answer is the caller's."""
    with Recorder(asking_for("test-key-9")) as server:
        answer = opened(changing(server.url, KEY, NEW, "test-key-3")).send(f"{server.url}/v1")

        assert ((401, b"who?"), [f"Bearer {KEY}", f"Bearer {NEW}"]) == (answer, server.got())


def test_the_next_request_may_be_sent_again_too(opened: Open) -> None:
    """Once more holds for each request: a client goes through any number of rotations."""
    with Recorder() as server:
        client = opened(changing(server.url, KEY, NEW, "test-key-3", "test-key-4"))
        for key in (KEY, NEW, "test-key-3", "test-key-4"):
            server.answer = asking_for(key)

            assert 200 == client.send(f"{server.url}/v1").status
        assert 7 == len(server.seen)


def test_a_credential_stays_as_it_is(opened: Open) -> None:
    """A rejected credential without a resolver is not sent again."""
    with Recorder(asking_for(NEW)) as server:
        answer = opened(source_of(server.url).resolve()).send(f"{server.url}/v1")

        assert (401, [f"Bearer {KEY}"]) == (answer.status, server.got())


def test_a_store_that_lags_behind(opened: Open, caplog: pytest.LogCaptureFixture) -> None:
    """If the store still gives the rejected key, the caller gets the 401 after one fetch, and a warning says why."""
    caplog.set_level(logging.WARNING, "lamini_creds")
    with Recorder(asking_for(NEW)) as server:
        store = Keys(server.url, KEY)
        client = opened(resolver_of({"store": store}))
        answers = [client.send(f"{server.url}/v1") for _ in range(3)]

        assert ([(401, b"who?")] * 3, 3, 2) == (answers, len(server.seen), store.calls)
        assert ["rejected again"] == [record.getMessage().partition(":")[0] for record in caplog.records]


def test_a_variable_that_lags_behind(
    opened: Open, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The warning is given once for a key, also where it comes from a variable; a new key is used at once."""
    caplog.set_level(logging.WARNING, "lamini_creds")
    with Recorder(asking_for(NEW)) as server:
        environ = {"LAMINI_API_KEY": KEY, "LAMINI_API_URL": server.url}
        client = opened(Resolver({}, environ=environ))
        before = [client.send(f"{server.url}/v1").status for _ in range(3)]
        environ["LAMINI_API_KEY"] = NEW
        after = [client.send(f"{server.url}/v1").status for _ in range(3)]

        assert ([401] * 3, [200] * 3, 6) == (before, after, len(server.seen))
        assert 1 == len(caplog.records)


def test_a_store_that_is_down(opened: Open) -> None:
    """If no new key can be fetched the caller gets the server's 401."""
    with Recorder(asking_for(NEW)) as server:
        store = ScriptedProvider(Secret(KEY, url=server.url))
        resolver = resolver_of({"store": store})
        resolver.resolve()
        store.answer = ProviderUnavailable("is down")
        answer = opened(resolver).send(f"{server.url}/v1")

        assert ((401, b"who?"), 1) == (answer, len(server.seen))


def test_a_new_key_for_another_server(opened: Open) -> None:
    """If the store's new key is for another server, it is not sent to this one."""
    with Recorder(asking_for(NEW)) as server, Recorder() as other:
        store = ScriptedProvider(Secret(KEY, url=server.url))
        resolver = resolver_of({"store": store})
        resolver.resolve()
        store.answer = Secret(NEW, url=other.url)
        answer = opened(resolver).send(f"{server.url}/v1")

        assert (401, [f"Bearer {KEY}"], []) == (answer.status, server.got(), other.seen)


def test_a_401_of_another_server_rejects_nothing(opened: Open) -> None:
    """A server that got no key can't have the key fetched anew."""
    with Recorder() as server, Recorder(lambda _: Reply(401)) as other:
        store = Keys(server.url, KEY, NEW)
        opened(resolver_of({"store": store})).send(f"{other.url}/v1")

        assert (1, 1) == (store.calls, len(other.seen))


def test_a_hop_of_a_redirect_is_sent_again(opened: Open) -> None:
    """A key that is rejected behind a redirect is fetched anew there."""
    with Recorder() as server:
        guarded = asking_for(NEW)
        server.answer = lambda seen: Reply(307, headers={"Location": "/b"}) if seen.path == "/a" else guarded(seen)
        answer = opened(changing(server.url, KEY, NEW)).send(f"{server.url}/a")

        assert (200, f"Bearer {NEW}") == (answer.status, server.got()[-1])


def test_once_more_and_the_hops_of_a_redirect(opened: Open, client: str) -> None:
    """A key that is rejected before a redirect and behind it is renewed at each hop, or once where hops are one request."""
    with Recorder() as server:
        first, second = asking_for(NEW), asking_for("test-key-3")

        def answer(seen: Seen) -> Reply:
            reply = first(seen) if seen.path == "/a" else second(seen)
            led = seen.path == "/a" and reply.status == 200
            return Reply(307, headers={"Location": "/b"}) if led else reply

        server.answer = answer
        status = opened(changing(server.url, KEY, NEW, "test-key-3")).send(f"{server.url}/a").status

        assert (200 if client in ("aiohttp", "urllib3", "urllib") else 401) == status


def test_a_redirect_of_the_second_answer_is_followed(opened: Open) -> None:
    """What the request that was sent again leads to is asked with the new key, and nobody else sees it."""
    with Recorder() as server, Recorder() as other:
        guarded = asking_for(NEW)

        def answer(seen: Seen) -> Reply:
            reply = guarded(seen)
            there = {"/a": "/b", "/b": f"{other.url}/c"}[seen.path]
            return Reply(307, headers={"Location": there}) if reply.status == 200 else reply

        server.answer = answer
        status = opened(changing(server.url, KEY, NEW)).send(f"{server.url}/a").status

        assert (200, f"Bearer {NEW}", False) == (status, server.got()[-1], other.seen[0].shows("test-key"))


def _file(tmp_path: Path) -> IO[bytes]:
    path = tmp_path / "body"
    path.write_bytes(b"skipped" + BODY)
    file = path.open("rb")
    file.seek(7)
    return file


def _in_memory(_: Path) -> IO[bytes]:
    return io.BytesIO(BODY)


@pytest.mark.parametrize("content", [lambda _: BODY, _in_memory, _file], ids=["bytes", "in-memory", "file"])
def test_a_body_is_sent_again(opened: Open, client: str, tmp_path: Path, content: Callable[[Path], Any]) -> None:
    """Bytes and files, from where they stood, are sent again as they were."""
    if client in ("httpx", "httpx-async") and content is _file:
        pytest.skip("counts a file from its beginning")
    body = content(tmp_path)
    with Recorder(asking_for(NEW)) as server:
        answer = opened(changing(server.url, KEY, NEW)).send(f"{server.url}/v1", "POST", body)

        assert (200, [BODY, BODY]) == (answer.status, [seen.body for seen in server.seen])
    getattr(body, "close", lambda: None)()


def test_a_form_with_a_file_is_sent_again(opened: Open) -> None:
    """A multipart form is sent again as it was."""
    with Recorder(asking_for(NEW)) as server:
        files = {"upload": ("name.txt", io.BytesIO(BODY))}
        answer = opened(changing(server.url, KEY, NEW)).send(f"{server.url}/v1", "POST", files=files)
        first, second = (seen.body for seen in server.seen)

        assert (200, first, True) == (answer.status, second, BODY in first)


def parts() -> Iterator[bytes]:
    yield from (BODY, BODY)


def pipe() -> IO[bytes]:
    """Make a file that can't be set back."""
    read, write = os.pipe()
    with os.fdopen(write, "wb") as file:
        file.write(BODY[:100])
    return os.fdopen(read, "rb")


@pytest.mark.parametrize("content", [parts, pipe])
def test_a_body_that_can_be_read_once(opened: Open, client: str, content: Callable[[], Any]) -> None:
    """A body that is gone is not sent again, nor half of it: an error says that the next request will have the new key."""
    if content is pipe and client not in ("requests", "urllib3"):
        pytest.skip("takes no such file")
    body = content()
    with Recorder(asking_for(NEW)) as server:
        sender = opened(changing(server.url, KEY, NEW))
        with pytest.raises(CredentialError, match=r"(?s)can be read once only.*Send the request again"):
            sender.send(f"{server.url}/v1", "POST", body)

        assert ([f"Bearer {KEY}"], 200) == (server.got(), sender.send(f"{server.url}/v1", "POST", BODY).status)
    body.close()


def test_a_body_that_a_redirect_left_behind(opened: Open) -> None:
    """Where a redirect made a GET of the request, a body that is gone is not missed."""
    with Recorder() as server:
        guarded = asking_for(NEW)
        server.answer = lambda seen: Reply(303, headers={"Location": "/b"}) if seen.path == "/a" else guarded(seen)
        status = opened(changing(server.url, KEY, NEW)).send(f"{server.url}/a", "POST", parts()).status

        assert (200, f"Bearer {NEW}", b"") == (status, server.got()[-1], server.seen[-1].body)


def test_a_body_that_can_be_read_once_and_no_new_key(opened: Open) -> None:
    """Where there is no other key the answer is the server's own, whatever the body."""
    with Recorder(asking_for(NEW)) as server:
        answer = opened(changing(server.url, KEY)).send(f"{server.url}/v1", "POST", parts())

        assert (401, b"who?") == answer
