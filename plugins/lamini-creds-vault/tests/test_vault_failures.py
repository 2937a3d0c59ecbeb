"""What becomes of a server that refuses, breaks, or is not to be reached; and that nothing of its answers shows."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

import lamini_creds_vault
import pytest
from faults import Answer, Cut, Dribble, Fault, FaultProxy, Hang, Refuse, refused_port
from lamini_creds_vault import VaultProvider

from lamini_creds import ProviderDenied, ProviderError, ProviderInvalid, ProviderUnavailable
from lamini_creds.testing import assert_no_leak

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from openbao import Bao

    from conftest import Fail, Read
    from lamini_creds import Context

KEY = "test-key-vault-1"
TOKEN = "test-token-vault-1"
JSON = {"Content-Type": "application/json"}


@pytest.fixture
def stored(bao: Bao, path: str) -> str:
    bao.put(path, {"key": KEY})
    return path


@pytest.fixture
def asked(way: FaultProxy) -> str:
    """Give the address of the way on which things go wrong."""
    return f"http://127.0.0.1:{way.port}"


def test_missing(bao: Bao, path: str, fail: Fail) -> None:
    """A secret that is not there is invalid; mount, path and server are named."""
    error = fail()

    assert (ProviderInvalid, f"secret 'secret/{path}', at {bao.url}") == (type(error), error.place)


@pytest.mark.parametrize("options", [{"version": 9}, {"mount": "none"}, {"namespace": "none"}], ids=repr)
def test_missing_otherwise(stored: str, fail: Fail, options: dict[str, object]) -> None:
    """A version, a mount or a namespace that is not there is invalid, and named."""
    error = fail(**options)

    assert (ProviderInvalid, True) == (type(error), str(next(iter(options.values()))) in error.place)


def test_wrong_kv_version(bao: Bao, path: str, stored: str, fail: Fail) -> None:
    """Either engine, taken for the other, has no such secret; the remedy names the option."""
    bao.mount(f"old-{path}", version=1)
    bao.admin.secrets.kv.v1.create_or_update_secret(stored, {"key": KEY}, mount_point=f"old-{path}")
    errors = [fail(kv_version=1), fail(mount=f"old-{path}")]

    assert [(ProviderInvalid, True)] * 2 == [(type(error), "kv_version" in error.remedy) for error in errors]


@pytest.mark.parametrize("way_out", ["delete_secret_versions", "destroy_secret_versions"])
def test_version_taken_away(bao: Bao, stored: str, fail: Fail, way_out: str) -> None:
    """A version that is deleted or destroyed is invalid."""
    getattr(bao.admin.secrets.kv.v2, way_out)(stored, [1])
    error = fail()

    assert (ProviderInvalid, "is not there, or deleted or destroyed (HTTP 404)") == (type(error), error.reason)


@pytest.mark.parametrize(("version", "rule"), [(2, "secret/data/"), (1, "secret/")])
def test_denied(bao: Bao, stored: str, fail: Fail, version: int, rule: str) -> None:
    """A refusal names the path and the capability that a policy has to give."""
    error = fail({"VAULT_TOKEN": bao.token("secret/data/other")}, kv_version=version)

    assert ProviderDenied is type(error)
    assert f'path "{rule}{stored}" {{ capabilities = ["read"] }}' in error.remedy


def test_sealed(bao: Bao, stored: str, fail: Fail) -> None:
    """A server that is sealed is unavailable."""
    bao.admin.sys.seal()
    try:
        error = fail()
    finally:
        bao.unseal()

    assert (ProviderUnavailable, "the server is sealed or broken (HTTP 503)") == (type(error), error.reason)


def test_throttled(bao: Bao, stored: str, path: str, read: Read, fail: Fail) -> None:
    """A server that has had enough requests is unavailable."""
    quota = f"sys/quotas/rate-limit/{path.replace('/', '-')}"
    bao.mount(f"busy-{path}")
    bao.put(path, {"key": KEY}, f"busy-{path}")
    bao.admin.write_data(quota, data={"rate": 1, "interval": "1h", "path": f"busy-{path}/"})
    read(mount=f"busy-{path}")
    error = fail(mount=f"busy-{path}")

    assert (ProviderUnavailable, "the server does not answer now (HTTP 429)") == (type(error), error.reason)


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_redirect(way: FaultProxy, asked: str, stored: str, fail: Fail, status: int) -> None:
    """A redirect is not followed, and nobody else gets the token; that standby is unavailable."""
    with FaultProxy() as elsewhere:
        way.faults = [Answer(status, b"", {"Location": f"http://127.0.0.1:{elsewhere.port}/v1/secret/data/x"})]
        error = fail(address=asked)

    assert (ProviderUnavailable, 0) == (type(error), elsewhere.connections)


@pytest.mark.parametrize("status", [408, 412, 429, 500, 502, 503, 504])
def test_busy(way: FaultProxy, asked: str, fail: Fail, status: int) -> None:
    """A server, or a gateway before it, that is busy or broken is unavailable, web pages and all."""
    way.faults = [Answer(status, b"<html>", {"Content-Type": "text/html"})]

    assert ProviderUnavailable is type(fail(address=asked))


@pytest.mark.parametrize("status", [400, 405, 418])
def test_strange_status(way: FaultProxy, asked: str, fail: Fail, status: int) -> None:
    """A status that no secret has is invalid."""
    way.faults = [Answer(status)]
    error = fail(address=asked)

    assert (ProviderInvalid, f"the answer is no secret (HTTP {status})") == (type(error), error.reason)


@pytest.mark.parametrize(
    "fault",
    [Refuse(), Hang(), Hang(after=300), Cut(after=0), Cut(after=300), Cut(after=300, reset=False)],
    ids=["refuse", "hang", "hang later", "cut", "cut body", "cut politely"],
)
def test_faults(
    way: FaultProxy, asked: str, bao: Bao, path: str, fail: Fail, context: Callable[..., Context], fault: Fault
) -> None:
    """A connection that fails or hangs makes the server unavailable, within the time that there is."""
    bao.put(path, {"key": KEY * 100})
    way.faults = [fault]

    assert ProviderUnavailable is type(fail(within=context(seconds=0.5), address=asked))


def test_dribble(way: FaultProxy, asked: str, bao: Bao, path: str, fail: Fail, context: Callable[..., Context]) -> None:
    """A body that comes too slowly is not waited for, though no single read takes long."""
    bao.put(path, {"key": KEY * 100})
    way.faults = [Dribble(after=300, every=0.02)]
    error = fail(within=context(seconds=0.5), address=asked)

    assert "there was no answer (ReadTimeout)" == error.reason


def test_login_dribbles(
    way: FaultProxy, asked: str, bao: Bao, stored: str, fail: Fail, context: Callable[..., Context]
) -> None:
    """AppRole's login is held to the same time."""
    role_id, secret_id = bao.role(f"secret/data/{stored}")
    way.faults = [Dribble(after=300, every=0.02)]
    within = context({"VAULT_ROLE_ID": role_id, "VAULT_SECRET_ID": secret_id}, seconds=0.5)

    assert ProviderUnavailable is type(fail(within=within, address=asked))


def test_no_time_left(stored: str, fail: Fail, context: Callable[..., Context]) -> None:
    """Asked too late, it is unavailable."""
    assert ProviderUnavailable is type(fail(within=context(seconds=-1)))


def test_refused(stored: str, fail: Fail) -> None:
    """A server that nobody listens for is unavailable."""
    with refused_port() as port:
        assert ProviderUnavailable is type(fail(address=f"http://127.0.0.1:{port}"))


def test_no_such_host(stored: str, fail: Fail) -> None:
    """A server whose name leads nowhere is unavailable."""
    assert ProviderUnavailable is type(fail(address="http://vault.invalid:8200"))


def test_untrusted(bao: Bao, stored: str, fail: Fail) -> None:
    """A certificate of a CA that nobody trusts makes the server unavailable, and ca_file is named."""
    error = fail(address=bao.tls_url)

    assert (ProviderUnavailable, "there was no answer (SSLError)", True) == (
        type(error),
        error.reason,
        "ca_file" in error.remedy,
    )


def test_trust_is_not_kept(bao: Bao, stored: str, ca_file: str, context: Callable[..., Context]) -> None:
    """A CA that VAULT_CACERT no longer names is no longer trusted."""
    provider, environ = VaultProvider(stored, bao.tls_url), {"VAULT_TOKEN": bao.root_token}
    provider.provide(context({**environ, "VAULT_CACERT": ca_file}))

    with pytest.raises(ProviderUnavailable, match="SSLError"):
        provider.provide(context(environ))


def test_tls_expected(bao: Bao, stored: str, fail: Fail, ca_file: str) -> None:
    """A server that speaks no TLS where it should is unavailable."""
    assert ProviderUnavailable is type(fail(address=bao.url.replace("http:", "https:"), ca_file=ca_file))


def test_the_variables_ca_file(stored: str, fail: Fail, bao: Bao) -> None:
    """A file that VAULT_CACERT names in vain is told with its name, and the variable's."""
    error = fail({"VAULT_TOKEN": bao.root_token, "VAULT_CACERT": "/nowhere/ca.pem"}, address=bao.tls_url)

    assert "VAULT_CACERT names a file that is not there: /nowhere/ca.pem" == error.reason


@pytest.mark.parametrize("there", [False, True], ids=["absent", "no PEM"])
def test_ca_file(bao: Bao, stored: str, fail: Fail, tmp_path: Path, *, there: bool) -> None:
    """A CA file that can't be used is told, and named in the remedy."""
    file = tmp_path / "ca.pem"
    if there:
        file.write_text("no certificate")
    error = fail(address=bao.tls_url, ca_file=str(file))

    assert ("ca_file" in f"{error.reason} {error.remedy}", ProviderUnavailable if there else ProviderInvalid) == (
        True,
        type(error),
    )


STRANGE: dict[str, bytes] = {
    "html": f"<html><body>{KEY}</body></html>".encode(),
    "truncated": f'{{"data": {{"data": {{"key": "{KEY}'.encode(),
    "nesting": b"[" * 100_000 + KEY.encode(),
    "no object": json.dumps([KEY]).encode(),
    "no data": json.dumps({"note": KEY}).encode(),
    "null": json.dumps({"data": {"data": None, "metadata": {"version": 1, "note": KEY}}}).encode(),
    "text": json.dumps({"data": {"data": KEY, "metadata": {"version": 1}}}).encode(),
    "list": json.dumps({"data": {"data": [KEY], "metadata": {"version": 1}}}).encode(),
    "list of text": json.dumps({"data": {"data": {"key": [KEY]}, "metadata": {"version": 1}}}).encode(),
    "number": json.dumps({"data": {"data": {"key": 5, "note": KEY}, "metadata": {"version": 1}}}).encode(),
    "other field": json.dumps({"data": {"data": {"note": KEY}, "metadata": {"version": 1}}}).encode(),
    "blank": json.dumps({"data": {"data": {"key": " ", "note": KEY}, "metadata": {"version": 1}}}).encode(),
    "no version": json.dumps({"data": {"data": {"key": KEY}, "metadata": {"note": KEY}}}).encode(),
    "no date": json.dumps({"data": {"data": {"key": KEY}, "metadata": {"version": 1, "deletion_time": KEY}}}).encode(),
}


@pytest.mark.parametrize("data", [{"key": [KEY]}, {"key": {"key": KEY}}, {"token": KEY}, {"key": "", "url": KEY}, {}])
def test_unusable_data(bao: Bao, path: str, fail: Fail, data: dict[str, object]) -> None:
    """A secret without text where the key belongs is invalid, and nothing of it shows."""
    bao.put(path, data)
    error = fail()
    assert_no_leak(KEY, error, frames_of=lamini_creds_vault.__name__)

    assert ProviderInvalid is type(error)


@pytest.mark.parametrize("body", STRANGE.values(), ids=STRANGE)
def test_strange_answers(way: FaultProxy, asked: str, fail: Fail, body: bytes) -> None:
    """An answer of status 200 that is no secret is invalid, and nothing of it shows, not in our frames either."""
    way.faults = [Answer(200, body, JSON)]
    error = fail({"VAULT_TOKEN": TOKEN}, address=asked)
    assert_no_leak(KEY, error, frames_of=lamini_creds_vault.__name__)
    assert_no_leak(TOKEN, error, frames_of=lamini_creds_vault.__name__)

    assert ProviderInvalid is type(error)


@pytest.mark.parametrize("body", [b"", b"{}", b'{"auth": null}', b"<html>"])
def test_strange_login(way: FaultProxy, asked: str, fail: Fail, body: bytes) -> None:
    """A login's answer of status 200 without a token is no login."""
    way.faults = [Answer(200, body, JSON)]

    assert ProviderInvalid is type(fail({"VAULT_ROLE_ID": "role", "VAULT_SECRET_ID": TOKEN}, address=asked))


@pytest.mark.parametrize("status", [400, 403, 404, 500])
def test_refusals_show_nothing(way: FaultProxy, asked: str, fail: Fail, status: int) -> None:
    """Nothing of a refusal's body shows."""
    way.faults = [Answer(status, json.dumps({"errors": [KEY]}).encode(), JSON)]
    error = fail({"VAULT_TOKEN": TOKEN}, address=asked)

    assert_no_leak(KEY, error, frames_of=lamini_creds_vault.__name__)


@pytest.mark.parametrize("login", ["token", "approle"])
@pytest.mark.parametrize("body", [None, *STRANGE.values()], ids=["found", *STRANGE])
def test_logs(
    way: FaultProxy,
    asked: str,
    bao: Bao,
    stored: str,
    read: Read,
    caplog: pytest.LogCaptureFixture,
    body: bytes | None,
    login: str,
) -> None:
    """With the root logger at DEBUG no record shows the key, the token, or a secret ID."""
    caplog.set_level(logging.DEBUG)
    role_id, secret_id = bao.role(f"secret/data/{stored}")
    environ = {"VAULT_ROLE_ID": role_id, "VAULT_SECRET_ID": secret_id}
    if login == "token":
        environ = {"VAULT_TOKEN": bao.token(f"secret/data/{stored}")}
    if body is not None:
        way.faults = [Answer(200, body, JSON)]
    try:
        read(environ, address=asked)
    except ProviderError:
        assert body is not None
    for canary in (KEY, *environ.values()):
        assert_no_leak(canary, caplog.text, *(record.__dict__ for record in caplog.records))


def test_quiet(stored: str, read: Read, caplog: pytest.LogCaptureFixture) -> None:
    """While a secret is read, what the SDK says below WARNING is withheld."""
    caplog.set_level(logging.DEBUG)
    caplog.clear()
    read()

    assert {"withheld by lamini_creds while a secret is read"} == set(caplog.messages)
