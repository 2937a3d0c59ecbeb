"""The examples for FastAPI, Celery and gunicorn, run as a reader would run them, through a rotation of the key."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import httpx
import pytest
from servers.recorder import Recorder, Reply, Seen

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
ROOT = EXAMPLES.parents[1]
forking = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
FIRST, SECOND = "test-key-1", "test-key-2"


def asking_for(key: str) -> Callable[[Seen], Reply]:
    body = json.dumps({"data": [{"id": "demo"}], "output": "hello"}).encode()
    return lambda seen: Reply(200, body) if seen.get("Authorization") == f"Bearer {key}" else Reply(401)


@pytest.fixture
def key_file(tmp_path: Path) -> Path:
    """Make the file that holds the key."""
    file = tmp_path / "key"
    file.touch(mode=0o600)
    file.write_text(FIRST)
    return file


@pytest.fixture
def environ(tmp_path: Path, key_file: Path) -> dict[str, str]:
    """Give an environment with a key in a file, and the URL of a server that is filled in by the test."""
    return {
        **os.environ,
        "HOME": str(tmp_path),
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(EXAMPLES)]),
        "LAMINI_API_KEY_FILE": str(key_file),
        "LAMINI_API_URL": "",
    }


@contextmanager
def running(command: list[str], environ: dict[str, str], folder: Path) -> Iterator[None]:
    """Run a program until the test is done with it."""
    with subprocess.Popen(
        [sys.executable, "-m", *command], env=environ, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT
    ) as process:
        try:
            yield
        finally:
            process.terminate()
            process.wait(20)


def answered(url: str) -> int:
    """Ask until there is an answer; give its status."""
    pause = threading.Event()
    for _ in range(300):
        try:
            with urllib.request.urlopen(url) as response:  # noqa: S310
                return int(response.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code
        except OSError:
            pause.wait(0.05)
    raise AssertionError("it did not start")


@forking
@pytest.mark.parametrize("options", [[], ["--preload"]], ids=["forked", "preloaded"])
def test_gunicorn(environ: dict[str, str], key_file: Path, tmp_path: Path, options: list[str]) -> None:
    """Both workers send the key of now, whether the application was loaded before the fork or after."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [
        "gunicorn",
        "-w",
        "2",
        "-b",
        f"127.0.0.1:{port}",
        "--no-control-socket",
        *options,
        "gunicorn_service:app",
    ]
    with Recorder(asking_for(FIRST)) as server, running(command, {**environ, "LAMINI_API_URL": server.url}, tmp_path):
        before = {answered(f"http://127.0.0.1:{port}/") for _ in range(10)}
        key_file.write_text(SECOND)
        server.answer = asking_for(SECOND)
        after = {answered(f"http://127.0.0.1:{port}/") for _ in range(10)}

    assert ({200}, {200}) == (before, after)
    assert {f"Bearer {FIRST}", f"Bearer {SECOND}"} == set(server.got())


@forking
def test_celery(environ: dict[str, str], key_file: Path, tmp_path: Path) -> None:
    """Tasks of a worker with two processes send the key of now; nothing of it goes through the broker."""
    broker, results = tmp_path / "broker", tmp_path / "results"
    for folder in (broker, results):
        folder.mkdir()
    settings = (
        f"result_backend = 'file://{results}'\n"
        f"broker_transport_options = {{'data_folder_in': '{broker}', 'data_folder_out': '{broker}', 'polling_interval': 0.05}}\n"
    )
    (tmp_path / "celeryconfig.py").write_text(settings)
    code = (
        "import celery_tasks; celery_tasks.app.config_from_object('celeryconfig')\n"
        "sent = [celery_tasks.complete.delay('hi') for _ in range(3)]\n"
        "print([task.get(timeout=20, interval=0.05) for task in sent])"
    )
    environ["PYTHONPATH"] += os.pathsep + str(tmp_path)
    environ["CELERY_BROKER_URL"] = "filesystem://"
    worker = ["worker", "--concurrency=2", "--pool=prefork", "--without-gossip", "--without-mingle"]
    command = ["celery", "--app=celery_tasks", "--config=celeryconfig", *worker]
    with Recorder(asking_for(FIRST)) as server:
        environ["LAMINI_API_URL"] = server.url
        with running(command, environ, tmp_path):
            for key in (FIRST, SECOND):
                key_file.write_text(key)
                server.answer = asking_for(key)
                asked = [sys.executable, "-c", code]
                ran = subprocess.run(asked, env=environ, cwd=tmp_path, capture_output=True, text=True, check=False)
                assert "['hello', 'hello', 'hello']" in ran.stdout, ran.stderr

    assert {f"Bearer {FIRST}", f"Bearer {SECOND}"} == set(server.got())
    assert not any(FIRST in path.read_text() for path in [*broker.iterdir(), *results.iterdir()])


def test_fastapi(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, key_file: Path) -> None:
    """The endpoint that asks the server sends the key of now, also when the application is started another time."""

    async def ask(server: Recorder) -> list[httpx.Response]:
        application = import_module("fastapi_app")
        transport = httpx.ASGITransport(application.app)
        got = []
        async with httpx.AsyncClient(transport=transport, base_url="http://app") as client:
            for key in (FIRST, SECOND):
                await asyncio.to_thread(key_file.write_text, key)
                server.answer = asking_for(key)
                async with application.lifespan(application.app):
                    got.append(await client.get("/models"))
        return got

    with Recorder() as server:
        for name, value in {"LAMINI_API_KEY_FILE": str(key_file), "LAMINI_API_URL": server.url}.items():
            monkeypatch.setenv(name, value)
        monkeypatch.syspath_prepend(EXAMPLES)
        monkeypatch.delitem(sys.modules, "fastapi_app", raising=False)
        got = asyncio.run(ask(server))
        monkeypatch.delitem(sys.modules, "fastapi_app")

        assert [{"id": "demo"}] * 2 == [answer.json()["data"][0] for answer in got]
        assert {f"Bearer {FIRST}", f"Bearer {SECOND}"} == set(server.got())
