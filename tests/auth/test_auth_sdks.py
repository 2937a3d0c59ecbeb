"""OpenAI's and Anthropic's own clients with the adapters: one origin, renewed keys, sync and async."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import anthropic
import httpx
import httpx2
import openai
import pytest
from auth.kit import KEY, Keys, changing, source_of
from servers.recorder import Recorder, Reply, Seen

from lamini_creds import Service
from lamini_creds.auth import httpx as our_httpx
from lamini_creds.auth import httpx2 as our_httpx2
from lamini_creds.testing import resolver_of

NEW = "test-key-2"
QUESTION: list[Any] = [{"role": "user", "content": "Say hello."}]
CHAT = json.dumps({"choices": [{"message": {"content": "hello"}}]}).encode()
MESSAGES = json.dumps({"content": [{"type": "text", "text": "hello"}]}).encode()
ANTHROPIC = Service("Anthropic", header="x-api-key", scheme="")
JSON = {"Content-Type": "application/json"}


def asking_for(key: str, header: str, body: bytes) -> Callable[[Seen], Reply]:
    return lambda seen: Reply(200, body, JSON) if seen.get(header) == key else Reply(401, b"{}", JSON)


@pytest.mark.parametrize(
    ("client", "adapter"), [(httpx.Client, our_httpx), (httpx2.Client, our_httpx2)], ids=["httpx", "httpx2"]
)
def test_openai(client: Any, adapter: Any) -> None:
    """OpenAI's client sends the adapter's key, not its own, below `/inf`, and goes through a rotation."""
    with Recorder(asking_for(f"Bearer {NEW}", "Authorization", CHAT)) as server:
        http = client(auth=adapter.CredentialAuth(changing(server.url, KEY, NEW)))
        with openai.OpenAI(base_url=f"{server.url}/inf", api_key="unused", http_client=http, max_retries=0) as chat:
            answer = chat.chat.completions.create(model="demo", messages=QUESTION)

        assert "hello" == answer.choices[0].message.content
        assert [b"POST /inf/chat/completions HTTP/1.1"] * 2 == [seen.line for seen in server.seen]
        assert [f"Bearer {KEY}", f"Bearer {NEW}"] == server.got()


def test_openai_async() -> None:
    """The async client does so too."""

    async def ask(server: Recorder) -> str | None:
        auth = our_httpx2.CredentialAuth(changing(server.url, KEY, NEW))
        http = httpx2.AsyncClient(auth=auth)
        async with openai.AsyncOpenAI(
            base_url=f"{server.url}/inf", api_key="unused", http_client=http, max_retries=0
        ) as chat:
            answer = await chat.chat.completions.create(model="demo", messages=QUESTION)
        return answer.choices[0].message.content

    with Recorder(asking_for(f"Bearer {NEW}", "Authorization", CHAT)) as server:
        assert "hello" == asyncio.run(ask(server))
        assert [f"Bearer {KEY}", f"Bearer {NEW}"] == server.got()


def test_openai_follows_a_redirect_without_the_key() -> None:
    """OpenAI's client follows redirects by default; where one leads elsewhere the key does not go along."""
    with Recorder() as server, Recorder(lambda _: Reply(200, CHAT, JSON)) as other:
        server.answer = lambda seen: Reply(307, headers={"Location": f"{other.url}{seen.path}"})
        http = httpx2.Client(auth=our_httpx2.CredentialAuth(source_of(server.url)), follow_redirects=True)
        with openai.OpenAI(base_url=server.url, api_key="unused", http_client=http) as chat:
            chat.chat.completions.create(model="demo", messages=QUESTION)

        assert ([f"Bearer {KEY}"], False) == (server.got(), other.seen[0].shows(KEY))


def test_openai_calls_a_function_at_each_request() -> None:
    """Without an adapter a function gives the key of each request, retries included."""
    statuses = iter([500, 200, 200])
    with Recorder(
        lambda _: Reply(next(statuses), CHAT, {**JSON, "x-should-retry": "true", "retry-after-ms": "1"})
    ) as server:
        keys = iter(["test-key-1", "test-key-2", "test-key-3"])
        with openai.OpenAI(base_url=server.url, api_key=lambda: next(keys)) as chat:
            for _ in range(2):
                chat.chat.completions.create(model="demo", messages=QUESTION)

        assert ["Bearer test-key-1", "Bearer test-key-2", "Bearer test-key-3"] == server.got()


def test_anthropic() -> None:
    """Anthropic's client sends the adapter's key in `x-api-key`, not its own, and goes through a rotation."""
    with Recorder(asking_for(NEW, "x-api-key", MESSAGES)) as server:
        store = Keys(server.url, KEY, NEW)
        http = httpx2.Client(auth=our_httpx2.CredentialAuth(resolver_of({"store": store}, service=ANTHROPIC)))
        with anthropic.Anthropic(base_url=server.url, api_key="unused", http_client=http, max_retries=0) as client:
            answer: Any = client.messages.create(model="demo", max_tokens=9, messages=QUESTION)

        assert ("hello", [KEY, NEW]) == (answer.content[0].text, server.got("x-api-key"))


def test_anthropic_async() -> None:
    """The async client does so too."""

    async def ask(server: Recorder) -> str:
        store = Keys(server.url, KEY, NEW)
        http = httpx2.AsyncClient(auth=our_httpx2.CredentialAuth(resolver_of({"store": store}, service=ANTHROPIC)))
        async with anthropic.AsyncAnthropic(
            base_url=server.url, api_key="unused", http_client=http, max_retries=0
        ) as client:
            answer: Any = await client.messages.create(model="demo", max_tokens=9, messages=QUESTION)
        return str(answer.content[0].text)

    with Recorder(asking_for(NEW, "x-api-key", MESSAGES)) as server:
        assert ("hello", [KEY, NEW]) == (asyncio.run(ask(server)), server.got("x-api-key"))


def test_anthropic_asks_credentials_again() -> None:
    """Without an adapter `credentials=` is asked at each request, and told to look again after a 401."""
    with Recorder(asking_for(f"Bearer {NEW}", "Authorization", MESSAGES)) as server:
        resolver = changing(server.url, KEY, NEW)

        def token(*, force_refresh: bool = False) -> anthropic.AccessToken:
            credential = resolver.resolve()
            if force_refresh:
                resolver.invalidate(credential)
                credential = resolver.resolve()
            return anthropic.AccessToken(credential.key, expires_at=0)

        with anthropic.Anthropic(base_url=server.url, credentials=token) as client:
            answer: Any = client.messages.create(model="demo", max_tokens=9, messages=QUESTION)

        assert ("hello", [f"Bearer {KEY}", f"Bearer {NEW}"]) == (answer.content[0].text, server.got())
