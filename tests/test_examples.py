"""The programs under docs/examples: each is run as a reader would run it, against a server of this machine."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

if TYPE_CHECKING:
    from fastapi import FastAPI

ROOT = Path(__file__).parent.parent
EXAMPLES = ROOT / "docs" / "examples"
ANSWERS = {
    "/v1/chat/completions": {"choices": [{"message": {"content": "hello from chat"}}]},
    "/v1/messages": {"content": [{"text": "hello from messages"}]},
    "/v1/models": {"data": [{"id": "first"}, {"id": "second"}]},
}


class Api(ThreadingHTTPServer):
    """A server that answers as OpenAI's, Anthropic's and vLLM's do, and keeps what it was sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_port}"
        self.seen: list[tuple[str, str | None]] = []


class Handler(BaseHTTPRequestHandler):
    """Answers each path with the one text that the examples look for."""

    server: Api

    def do_GET(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append((self.path, self.headers.get("x-api-key") or self.headers.get("Authorization")))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps(ANSWERS[self.path]).encode())

    do_POST = do_GET  # noqa: N815  # the base class's name

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def api() -> Iterator[Api]:
    """Serve on a free port while a test runs."""
    server = Api()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def run(example: str, home: Path, **variables: str) -> str:
    """Run an example in an environment of its own; give what it prints."""
    environ = {
        "HOME": str(home),
        "USERPROFILE": str(home),
        "PYTHONPATH": str(ROOT),
        "NO_PROXY": "127.0.0.1",
        **variables,
    }
    if sys.platform == "win32":
        environ["SYSTEMROOT"] = os.environ["SYSTEMROOT"]
    ran = subprocess.run(
        [sys.executable, str(EXAMPLES / example)], env=environ, cwd=home, capture_output=True, text=True, check=False
    )
    assert 0 == ran.returncode, ran.stderr
    return ran.stdout


def test_quickstart_uses_a_key_of_the_environment(tmp_path: Path) -> None:
    """A key in the environment is found, explained, and sent."""
    printed = run("quickstart.py", tmp_path, LAMINI_API_KEY="test-key-1")

    assert "found    env: LAMINI_API_KEY" in printed
    assert "answered    200 hello" in printed


def test_quickstart_uses_a_key_of_the_home_directory(tmp_path: Path) -> None:
    """A key in the home YAML is sent to the example's server, whatever URL stands beside it."""
    file = tmp_path / ".lamini" / "configure.yaml"
    file.parent.mkdir()
    file.touch(mode=0o600)
    file.write_text("production: {key: test-key-1, url: 'https://lamini.example.com'}")

    printed = run("quickstart.py", tmp_path)

    assert f"key from    yaml ({file})" in printed
    assert "answered    200 hello" in printed


@pytest.mark.parametrize("variables", [{}, {"LLAMA_ENVIRONMENT": "STAGING"}], ids=["production", "staging"])
def test_quickstart_works_where_no_key_is(tmp_path: Path, variables: dict[str, str]) -> None:
    """Without any key it says what was asked, and goes on with a home of its own."""
    printed = run("quickstart.py", tmp_path, **variables)

    assert "no provider has a key for Lamini" in printed
    assert "answered    200 hello" in printed


def test_quickstart_prints_no_key(tmp_path: Path) -> None:
    """No key is printed, neither the user's nor the example's."""
    assert "test-key" not in run("quickstart.py", tmp_path) + run(
        "quickstart.py", tmp_path, LAMINI_API_KEY="test-key-1"
    )


def test_openai_chat(tmp_path: Path, api: Api) -> None:
    """OpenAI's key goes out as a bearer token below OPENAI_BASE_URL."""
    printed = run("openai_chat.py", tmp_path, OPENAI_API_KEY="test-key-1", OPENAI_BASE_URL=f"{api.url}/v1")

    assert "hello from chat\n" == printed
    assert [("/v1/chat/completions", "Bearer test-key-1")] == api.seen


def test_anthropic_messages(tmp_path: Path, api: Api) -> None:
    """Anthropic's key goes out in a header of its own, without a scheme."""
    printed = run("anthropic_messages.py", tmp_path, ANTHROPIC_API_KEY="test-key-2", ANTHROPIC_BASE_URL=api.url)

    assert "hello from messages\n" == printed
    assert [("/v1/messages", "test-key-2")] == api.seen


def test_vllm_models(tmp_path: Path, api: Api) -> None:
    """The key of a server of one's own is found in the service's YAML file."""
    file = tmp_path / ".config" / "vllm" / "keys.yaml"
    file.parent.mkdir(parents=True)
    file.touch(mode=0o600)
    file.write_text(f"local: {{key: test-key-3, url: '{api.url}/v1'}}")

    printed = run("vllm_models.py", tmp_path, LAMINI_CREDS_PROFILE="local")

    assert "first\nsecond\n" == printed
    assert [("/v1/models", "Bearer test-key-3")] == api.seen


class App:
    """The FastAPI example, asked without a server."""

    def __init__(self, application: FastAPI) -> None:
        self.transport = httpx.ASGITransport(application)

    def get(self, path: str) -> httpx.Response:
        return asyncio.run(self._get(path))

    async def _get(self, path: str) -> httpx.Response:
        async with httpx.AsyncClient(transport=self.transport, base_url="http://app") as client:
            return await client.get(path)


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> App:
    """Give the FastAPI example, in an environment with a key."""
    monkeypatch.syspath_prepend(EXAMPLES)
    monkeypatch.delitem(sys.modules, "fastapi_app", raising=False)
    monkeypatch.setenv("LAMINI_API_KEY", "test-key-4")
    monkeypatch.setenv("LAMINI_API_URL", "https://lamini.example.com")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return App(import_module("fastapi_app").app)


def test_fastapi_dependency(app: App) -> None:
    """An endpoint gets the credential."""
    assert {"url": "https://lamini.example.com", "from": "LAMINI_API_KEY"} == app.get("/upstream").json()


def test_fastapi_endpoints_have_no_parameters(app: App) -> None:
    """No endpoint offers a parameter."""
    methods = [method for path in app.get("/openapi.json").json()["paths"].values() for method in path.values()]

    assert [None] * 3 == [method.get("parameters") for method in methods]


def test_fastapi_takes_no_argument_from_a_request(app: App) -> None:
    """A query chooses neither the URL nor the profile."""
    assert "https://lamini.example.com" == app.get("/upstream?url=https://evil.example&profile=local").json()["url"]


def test_fastapi_health_reports_without_the_key(app: App) -> None:
    """The health endpoint says where the key came from and not what it is."""
    health = app.get("/health")

    assert "LAMINI_API_KEY" == health.json()["credential"]["source"]
    assert "test-key-4" not in health.text
