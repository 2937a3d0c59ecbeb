"""The double, held against Google's own discovery document and read by Google's other client."""

from __future__ import annotations

import base64
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import googleapiclient
import pytest
import requests
from gcp import REQUESTS, ROUTES, RestServer
from gcp_kit import KEY, SECRET
from gcp_store import PROJECT_NUMBER, Refusal, State, Store, crc32c
from google.oauth2.credentials import Credentials
from googleapiclient.discovery import build
from googleapiclient.errors import HttpError

if TYPE_CHECKING:
    from collections.abc import Iterator

NUMBERED = f"projects/{PROJECT_NUMBER}/secrets/lamini"
REGIONAL = "projects/test-project/locations/europe-west3/secrets/lamini"
KINDS = {"string": str, "object": dict, "array": list, "boolean": bool, "integer": int}


@pytest.fixture(scope="module")
def discovery() -> dict[str, Any]:
    directory = Path(googleapiclient.__file__).parent / "discovery_cache" / "documents"
    return dict(json.loads((directory / "secretmanager.v1.json").read_text()))


@pytest.fixture
def rest() -> Iterator[tuple[Store, RestServer]]:
    store = Store()
    store.put(SECRET, KEY.encode(), expires_at=datetime.now(UTC) + timedelta(days=1), alias="stable")
    store.put(REGIONAL, KEY.encode())
    with RestServer(store) as server:
        yield store, server


@pytest.fixture
def versions(rest: tuple[Store, RestServer]) -> Iterator[Any]:
    """Give the versions of secrets, as googleapiclient offers them."""
    with build(
        "secretmanager",
        "v1",
        static_discovery=True,
        credentials=Credentials("test-token"),
        client_options={"api_endpoint": f"http://127.0.0.1:{rest[1].port}"},
    ) as client:
        yield client.projects().secrets().versions()


def methods(resource: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Give every method of the document, by its identifier."""
    found = {method["id"]: method for method in resource.get("methods", {}).values()}
    for part in resource.get("resources", {}).values():
        found |= methods(part)
    return found


def misfits(value: Any, schema: dict[str, Any], schemas: dict[str, Any], where: str = "") -> list[str]:
    """Say where a reply does not fit its schema: unknown fields, wrong kinds, wrong words."""
    schema = schemas[schema["$ref"]] if "$ref" in schema else schema
    if not isinstance(value, KINDS[schema["type"]]):
        return [f"{where} is of another kind"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{where} is another word"]
    if not isinstance(value, dict):
        return []
    found = []
    for name, item in value.items():
        part = schema.get("properties", {}).get(name) or schema.get("additionalProperties")
        found += misfits(item, part, schemas, f"{where}.{name}") if part else [f"{where}.{name} is unknown"]
    return found


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("secrets.versions.access", f"{SECRET}/versions/latest:access"),
        ("secrets.versions.get", f"{SECRET}/versions/1"),
        ("secrets.get", SECRET),
        ("locations.secrets.versions.access", f"{REGIONAL}/versions/1:access"),
        ("locations.secrets.versions.get", f"{REGIONAL}/versions/1"),
        ("locations.secrets.get", REGIONAL),
    ],
)
def test_discovery(rest: tuple[Store, RestServer], discovery: dict[str, Any], method: str, path: str) -> None:
    """Each of the double's routes is Google's, and each reply has Google's fields alone."""
    described = methods(discovery)[f"secretmanager.projects.{method}"]
    template = re.sub(r"\{[^}]*\}", "[^/:]+", described["flatPath"])
    reply = requests.get(f"http://127.0.0.1:{rest[1].port}/v1/{path}", timeout=10).json()

    assert "GET" == described["httpMethod"]
    assert re.fullmatch(template, f"v1/{path}")
    assert [] == misfits(reply, described["response"], discovery["schemas"])


def test_routes() -> None:
    """The double answers the same methods over REST and gRPC."""
    assert set(REQUESTS) == set(ROUTES.values())


@pytest.mark.parametrize("version", ["1", "latest", "stable"])
def test_other_client(versions: Any, version: str) -> None:
    """Google's other client reads a payload, with the project's number in its name and a checksum that fits."""
    reply = versions.access(name=f"{SECRET}/versions/{version}").execute()

    assert f"{NUMBERED}/versions/1" == reply["name"]
    assert KEY.encode() == base64.b64decode(reply["payload"]["data"])
    assert str(crc32c(KEY.encode())) == reply["payload"]["dataCrc32c"]


def test_checksum() -> None:
    """The checksum is the one of RFC 3720."""
    assert 0x46DD794E == crc32c(bytes(range(32)))


def test_state(versions: Any, rest: tuple[Store, RestServer]) -> None:
    """A version that is disabled says so, and can't be read."""
    rest[0].mark(SECRET, 1, State.DISABLED)

    assert "DISABLED" == versions.get(name=f"{SECRET}/versions/1").execute()["state"]
    with pytest.raises(HttpError) as raised:
        versions.access(name=f"{SECRET}/versions/1").execute()
    assert 400 == raised.value.status_code


@pytest.mark.parametrize(
    ("status", "code"),
    [("NOT_FOUND", 404), ("PERMISSION_DENIED", 403), ("RESOURCE_EXHAUSTED", 429), ("UNAVAILABLE", 503)],
)
def test_error(versions: Any, rest: tuple[Store, RestServer], status: str, code: int) -> None:
    """Google's other client reads an error with its status, words and details."""
    rest[0].refusals.append(Refusal(status, "No.", "TEST_REASON"))
    with pytest.raises(HttpError) as raised:
        versions.access(name=f"{SECRET}/versions/1").execute()

    assert (code, "No.") == (raised.value.status_code, raised.value.reason)
    assert "TEST_REASON" == raised.value.error_details[0]["reason"]
