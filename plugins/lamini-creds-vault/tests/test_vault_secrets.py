"""What is found: in KV 2 and KV 1, in versions, fields, profiles, mounts and namespaces, over http and https."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest
from faults import Answer, FaultProxy

from lamini_creds import Context

if TYPE_CHECKING:
    from collections.abc import Callable

    from openbao import Bao

    from conftest import Fail, Read

KEY = "test-key-vault-1"
URL = "https://lamini.example.com"


def test_key_and_url(bao: Bao, path: str, read: Read) -> None:
    """Key and URL are the fields `key` and `url`."""
    bao.put(path, {"key": KEY, "url": URL})
    secret = read()

    assert (KEY, URL) == (secret.key, secret.url)


def test_newest(bao: Bao, path: str, read: Read) -> None:
    """Without a version the newest is read, and its number is told."""
    bao.put(path, {"key": "test-key-old"})
    bao.put(path, {"key": KEY})
    secret = read()

    assert (KEY, "2") == (secret.key, secret.version)


def test_version(bao: Bao, path: str, read: Read) -> None:
    """A version that is named is read, though there is a newer one."""
    bao.put(path, {"key": KEY})
    bao.put(path, {"key": "test-key-new"})

    assert KEY == read(version=1).key


def test_kv1(bao: Bao, path: str, read: Read) -> None:
    """KV 1 is read, and has no versions."""
    bao.mount(f"old-{path}", version=1)
    bao.admin.secrets.kv.v1.create_or_update_secret("team/lamini", {"key": KEY}, mount_point=f"old-{path}")
    secret = read(secret="team/lamini", mount=f"old-{path}", kv_version=1)

    assert (KEY, None) == (secret.key, secret.version)


def test_mount(bao: Bao, path: str, read: Read) -> None:
    """The engine may be mounted anywhere, slashes included."""
    bao.mount(f"teams/{path}")
    bao.put("lamini", {"key": KEY}, f"teams/{path}")

    secret = read(secret="/lamini", mount=f"teams/{path}")

    assert (KEY, f"secret 'teams/{path}/lamini', at {bao.url}") == (secret.key, secret.source)


def test_profile_in_path(bao: Bao, path: str, read: Read, context: Callable[..., Context]) -> None:
    """`{profile}` in the path stands for the profile."""
    bao.put(f"{path}/staging", {"key": KEY})

    assert KEY == read(secret=f"{path}/{{profile}}", within=context(profile="staging")).key


def test_profile_in_data(bao: Bao, path: str, read: Read, context: Callable[..., Context]) -> None:
    """Key and URL may stand below the profile's name."""
    bao.put(path, {"production": {"key": "test-key-other"}, "staging": {"key": KEY, "url": URL}})
    secret = read(within=context(profile="staging"))

    assert (KEY, URL) == (secret.key, secret.url)


def test_fields(bao: Bao, path: str, read: Read) -> None:
    """The fields may have other names, and stand in others."""
    bao.put(path, {"api_token": KEY, "server": {"address": URL}})
    secret = read(key_field="api_token", url_field="/server/address")

    assert (KEY, URL) == (secret.key, secret.url)


@pytest.mark.parametrize("told", ["option", "variable"])
def test_namespace(bao: Bao, path: str, read: Read, told: str) -> None:
    """A namespace is an option or VAULT_NAMESPACE, and is named in the source."""
    namespace = f"team-{uuid4().hex}"
    bao.admin.write_data(f"sys/namespaces/{namespace}", data={})
    inside = bao.within(namespace)
    inside.sys.enable_secrets_engine("kv", path="secret", options={"version": "2"})
    inside.secrets.kv.v2.create_or_update_secret(path, {"key": KEY})
    environ = {"VAULT_TOKEN": bao.root_token} | ({"VAULT_NAMESPACE": namespace} if told == "variable" else {})
    secret = read(environ, **({"namespace": namespace} if told == "option" else {}))

    assert (KEY, True) == (secret.key, f"namespace '{namespace}'" in secret.source)


def test_address_variable(bao: Bao, path: str, read: Read) -> None:
    """Without the option VAULT_ADDR names the server."""
    bao.put(path, {"key": KEY})

    assert KEY == read({"VAULT_TOKEN": bao.root_token, "VAULT_ADDR": f"{bao.url}/"}, address=None).key


@pytest.mark.parametrize("told", ["option", "variable"])
def test_tls(bao: Bao, path: str, read: Read, ca_file: str, told: str) -> None:
    """The server's CA is an option or VAULT_CACERT."""
    bao.put(path, {"key": KEY})
    environ = {"VAULT_TOKEN": bao.root_token} | ({"VAULT_CACERT": ca_file} if told == "variable" else {})

    assert KEY == read(environ, address=bao.tls_url, ca_file=ca_file if told == "option" else None).key


def test_ca_file_of_the_home(bao: Bao, path: str, read: Read, ca_file: str, tmp_path: Path) -> None:
    """`~/` is the home directory, as for every file."""
    bao.put(path, {"key": KEY})
    (tmp_path / "ca.pem").write_text(Path(ca_file).read_text())

    assert KEY == read(address=bao.tls_url, ca_file="~/ca.pem").key


def test_compressed(way: FaultProxy, read: Read) -> None:
    """An answer may be compressed on its way."""
    body = json.dumps({"data": {"data": {"key": KEY}, "metadata": {"version": 1}}}).encode()
    way.faults = [Answer(200, gzip.compress(body), {"Content-Encoding": "gzip"})]

    assert KEY == read(address=f"http://127.0.0.1:{way.port}").key


def test_without_a_deadline(bao: Bao, path: str, read: Read) -> None:
    """Where nobody names a time, there is one all the same."""
    bao.put(path, {"key": KEY})

    assert KEY == read(within=Context(environ={"VAULT_TOKEN": bao.root_token})).key


def test_source(bao: Bao, path: str, read: Read) -> None:
    """The source names mount, path, version and server."""
    bao.put(path, {"key": KEY})

    assert f"secret 'secret/{path}', version 1, at {bao.url}" == read(version=1).source


def test_expiry(bao: Bao, path: str, read: Read) -> None:
    """A version that the server is to delete ends then."""
    bao.admin.secrets.kv.v2.update_metadata(path, delete_version_after="1h")
    bao.put(path, {"key": KEY})
    ends = read().expires_at
    assert isinstance(ends, datetime)

    assert timedelta(minutes=50) < ends - datetime.now(UTC) < timedelta(minutes=70)


def test_no_expiry(bao: Bao, path: str, read: Read) -> None:
    """A version that the server keeps has no end."""
    bao.put(path, {"key": KEY})

    assert read().expires_at is None


@pytest.mark.parametrize(
    "address",
    [
        None,
        "",
        "vault.example.com",
        "ftp://vault",
        "https://user:test-pw@vault:8200",
        "http://vault:99999",
        "http://[::1",
    ],
)
def test_no_address(fail: Fail, tmp_path: Path, address: str | None) -> None:
    """Without a server's URL nobody is asked, and what stands in its place is not repeated."""
    error = fail({}, address=address)

    assert ("no server is named by its URL", False) == (error.reason, "test-pw" in str(error))


def test_kv1_has_no_versions(fail: Fail) -> None:
    """A version of KV 1 is a mistake, and is told as one."""
    assert "KV 1 keeps no versions" == fail(kv_version=1, version=2).reason
