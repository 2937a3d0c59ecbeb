"""A hostile checkout: what its pyproject.toml may not set, and the little that it may."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING

import pytest
from support import PLUGIN, Disk, install

from lamini_creds import ConfigError, CredentialsNotFoundError, Resolver, UntrustedConfigError
from lamini_creds._claim import Claim
from lamini_creds._credential import Hidden

if TYPE_CHECKING:
    from pathlib import Path

TABLE = "tool.lamini_creds"
HOSTILE: dict[str, tuple[str, str]] = {
    "profile": ('profile = "staging"', f"[{TABLE}] profile"),
    "default_profile": ('default_profile = "staging"', f"[{TABLE}] default_profile"),
    "continue_on": ('continue_on = ["denied"]', f"[{TABLE}] continue_on"),
    "deadline": ("deadline = 900", f"[{TABLE}] deadline"),
    "observers": ('observers = ["theirs"]', f"[{TABLE}] observers"),
    "allow_origins": ('allow_origins = ["https://theirs.test"]', f"[{TABLE}] allow_origins"),
    "http": ('http = "any"', f"[{TABLE}] http"),
    "http list": ('http = ["http://theirs.test"]', f"[{TABLE}] http"),
    "unknown": ("surprise = 1", f"[{TABLE}] surprise"),
    "unknown table": ("[tool.lamini_creds.surprise]\ninner = 1", f"[{TABLE}.surprise] inner"),
    "wrong type": ('deadline = "soon"', f"[{TABLE}] deadline"),
    "entry options": ("[tool.lamini_creds.provider.yaml]\nttl = 1", f"[{TABLE}.provider.yaml] ttl"),
    "yaml path": ("[tool.lamini_creds.provider.yaml]\npath = '/theirs'", f"[{TABLE}.provider.yaml] path"),
    "file key": ("[tool.lamini_creds.provider.file]\nkey_file = '/theirs'", f"[{TABLE}.provider.file] key_file"),
    "file url": ("[tool.lamini_creds.provider.file]\nurl_file = '/theirs'", f"[{TABLE}.provider.file] url_file"),
    "directory": ("[tool.lamini_creds.provider.file]\ndirectory = '/theirs'", f"[{TABLE}.provider.file] directory"),
    "permissions": ("[tool.lamini_creds.provider.yaml]\npermissions='off'", f"[{TABLE}.provider.yaml] permissions"),
    "cloud": ("[tool.lamini_creds.provider.aws]\nendpoint = 'http://theirs'", f"[{TABLE}.provider.aws] endpoint"),
    "env": ("[tool.lamini_creds.provider.env]\nprefix = 'THEIRS'", f"[{TABLE}.provider.env] prefix"),
    "distribution": (
        "[tool.lamini_creds.provider.acme]\ndistribution = 'theirs'",
        f"[{TABLE}.provider.acme] distribution",
    ),
    "label": ('providers = ["env", "yaml:theirs"]', f"[{TABLE}] providers"),
    "label of a built-in": ('providers = ["env:other"]', f"[{TABLE}] providers"),
    "third party": ('providers = ["acme"]', f"[{TABLE}] providers"),
    "cloud entry": ('providers = ["env", "aws"]', f"[{TABLE}] providers"),
    "overlay": ("[tool.lamini_creds.profile.production]\nproviders = ['env']", f"[{TABLE}.profile.production] providers"),
    "overlay's options": (
        "[tool.lamini_creds.profile.blue.provider.'yaml:x']\npath = '/theirs'",
        f'[{TABLE}.profile.blue.provider."yaml:x"] path',
    ),
    "empty table": ("[tool.lamini_creds.provider.aws]", f"[{TABLE}.provider] aws"),
    "order and more": ('providers = ["env"]\nhttp = "any"', f"[{TABLE}] http"),
    "inline": ('profile = {blue = {continue_on = ["denied"]}}', f"[{TABLE}.profile.blue] continue_on"),
}  # fmt: skip


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(tmp_path, monkeypatch)


@pytest.mark.parametrize("what", HOSTILE)
def test_what_needs_trust(disk: Disk, what: str) -> None:
    """Everything but the order is refused, with file, table, option and both remedies."""
    text, place = HOSTILE[what]
    disk.write(project=text)
    with pytest.raises(UntrustedConfigError) as caught:
        disk.resolver(LAMINI_API_KEY="test-key").resolve()
    file, error = disk.project_file, caught.value

    assert (f"{file}: {place}", True, True) == (
        error.place,
        f"run: lamini-creds trust {file};" in error.remedy,
        error.remedy.endswith(f"set LAMINI_CREDS_CONFIG={file}"),
    )


@pytest.mark.parametrize(
    "text", ["providers = 5", "providers = ['No Name']", "providers = ['env', 'env']", "providers = [", "= 5"]
)
def test_a_malformed_order_is_refused_too(disk: Disk, text: str) -> None:
    """What can't be understood is an error, not a reason to go on without it."""
    disk.write(project=text)
    with pytest.raises(ConfigError, match=r"pyproject\.toml"):
        disk.resolver(LAMINI_API_KEY="test-key").resolve()


def test_nothing_of_a_refused_file_has_an_effect(disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A plugin that an untrusted file names is not imported, and no place is asked."""
    module = install(tmp_path, monkeypatch)
    disk.write(project='providers = ["acme"]\nobservers = ["acme"]')
    resolution = disk.resolver(LAMINI_API_KEY="test-key").explain()

    assert ((), False, True) == (
        resolution.attempts,
        module in sys.modules,
        isinstance(resolution.error, UntrustedConfigError),
    )


def test_the_value_is_not_shown(disk: Disk) -> None:
    """A misplaced key in an untrusted file is not repeated."""
    disk.write(project='api_key = "test-key-misplaced"')

    assert "test-key-misplaced" not in str(disk.resolver().explain().error)


@pytest.mark.parametrize("order", ['["yaml", "file", "env"]', '["env"]', '["explicit", "yaml"]', "[]"])
def test_the_order_needs_no_trust(disk: Disk, order: str) -> None:
    """The entries of the chain may be put in another order, and dropped."""
    disk.write(project=f"providers = {order}")

    assert disk.resolver(LAMINI_API_KEY="test-key").resolve(key="test-key", url="https://a.test")
    assert not isinstance(disk.resolver().explain().error, ConfigError)


def test_an_order_without_entries_finds_nothing(disk: Disk) -> None:
    """Dropping everything is an error for the caller, and no more."""
    disk.write(project="providers = []")
    with pytest.raises(CredentialsNotFoundError):
        disk.resolver(LAMINI_API_KEY="test-key").resolve()


@pytest.mark.parametrize(
    ("user", "environ"),
    [
        ("providers = ['env', 'aws']", {}),
        ("[provider.aws]\nregion = 'x'", {}),
        ("", {"LAMINI_CREDS__AWS__REGION": "x"}),
        ("providers = ['env', 'aws']\n[profile.blue]\nproviders = ['aws']", {}),
    ],
    ids=["listed", "options", "a variable", "listed by every profile"],
)
def test_what_the_user_made_eligible_may_be_named(disk: Disk, user: str, environ: dict[str, str]) -> None:
    """An entry that a trusted layer lists, or gives options to, may stand in an untrusted order."""
    disk.write(user=user, project="providers = ['aws']")

    assert ("aws",) == disk.read(**environ).order("production")


@pytest.mark.parametrize(
    "user",
    ["providers = ['env']", "providers = ['env', 'yaml']\n[profile.blue]\nproviders = ['env']"],
    ids=["dropped by the user", "dropped for one profile"],
)
def test_what_the_user_dropped_may_not_be_named(disk: Disk, user: str) -> None:
    """An untrusted order brings back nothing that a trusted one left out, for any profile."""
    disk.write(user=user, project="providers = ['yaml']")
    with pytest.raises(UntrustedConfigError, match="names the entry 'yaml'"):
        disk.read()


def test_an_overruled_order_is_not_judged(disk: Disk) -> None:
    """Where the environment orders, the project's order has no effect and needs no trust."""
    disk.write(project="providers = ['aws']")

    assert ("env",) == disk.read(LAMINI_CREDS_PROVIDERS="env").order("production")


@pytest.mark.parametrize(
    "text", [row[0] for row in HOSTILE.values() if "surprise" not in row[0] and "soon" not in row[0]]
)
def test_a_named_file_is_trusted(disk: Disk, text: str) -> None:
    """The same file, named by the environment, may set everything; what is wrong in it is told as such."""
    disk.write(project=text)
    error = disk.resolver(LAMINI_CREDS_CONFIG=str(disk.project_file)).explain().error

    assert not isinstance(error, UntrustedConfigError)


def test_an_unknown_key_is_told_as_such_once_trusted(disk: Disk) -> None:
    """Trust does not make a mistake right."""
    disk.write(project="provders = []")
    with pytest.raises(ConfigError, match="did you mean 'providers'"):
        disk.read(LAMINI_CREDS_CONFIG=str(disk.project_file))


def test_the_remedy_can_be_pasted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A directory's name can't make the line to paste run anything."""
    disk = Disk(tmp_path / "a; touch b", monkeypatch)
    disk.write(project="http = 'any'")

    assert f"lamini-creds trust '{disk.project_file}'" in str(disk.resolver().explain().error)


def test_the_refusal_is_told_to_the_log(disk: Disk, caplog: pytest.LogCaptureFixture) -> None:
    """A refusal of trust is an event."""
    caplog.set_level("DEBUG", "lamini_creds")
    disk.write(project="http = 'any'")
    disk.resolver().explain()

    assert ["trust_refused"] == [vars(record)["lamini_creds_kind"] for record in caplog.records]


OBSERVER = (
    PLUGIN
    + """
EVENTS = []

@hookimpl
def lamini_creds_observe(event):
    EVENTS.append(event.kind)
"""
)


def test_trusted_observers_are_told_of_the_refusal(disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Observers that trusted layers name are told when a checkout asks for more than it may."""
    module = install(tmp_path, monkeypatch, OBSERVER)
    disk.write(user="observers = ['acme']", project="http = 'any'")
    disk.resolver().explain()

    assert ["trust_refused"] == sys.modules[module].EVENTS


def agree(disk: Disk) -> None:
    """Trust the project file as it is now, as the command would."""
    settings = Hidden(tomllib.loads(disk.project_file.read_text())["tool"]["lamini_creds"])
    claim = Claim(settings, str(disk.project_file), Hidden({}), str(disk.home))
    assert claim.store
    assert isinstance(claim.fingerprint, str)
    claim.store.put(claim.path, claim.fingerprint)


@pytest.mark.parametrize("what", HOSTILE)
def test_what_is_trusted_counts(disk: Disk, what: str) -> None:
    """A table that the user agreed to may set everything; what is wrong in it is told as such."""
    disk.write(project=HOSTILE[what][0])
    agree(disk)

    assert not isinstance(disk.resolver(LAMINI_API_KEY="test-key").explain().error, UntrustedConfigError)


def test_an_edit_ends_the_trust(disk: Disk) -> None:
    """A changed table is refused again, and said to have changed."""
    disk.write(project="http = 'any'")
    agree(disk)
    disk.write(project="http = 'any'\ndeadline = 3")
    with pytest.raises(UntrustedConfigError, match="; it has changed since you trusted it"):
        disk.read()


def test_trust_is_the_user_s_own(disk: Disk, tmp_path: Path) -> None:
    """What one user trusts, another does not: the store is that of the home directory in use."""
    disk.write(project="http = 'any'")
    agree(disk)
    other = tmp_path / "other"
    other.mkdir()

    assert disk.resolver(LAMINI_API_KEY="test-key").resolve()
    with pytest.raises(UntrustedConfigError):
        Resolver(environ={"LAMINI_API_KEY": "test-key"}, home=other).resolve()


def test_a_trusted_order_chooses_the_url_too(disk: Disk) -> None:
    """A trusted project file is trusted for the order of the places that give URLs."""
    disk.write(user="providers = ['file', 'yaml', 'file:b']", project="providers = ['file:b', 'file']\ndeadline = 3")
    agree(disk)

    assert ("env", "file:b", "file", "yaml") == disk.read().url_places("production")


def test_nothing_is_looked_up_where_no_trust_is_needed(disk: Disk) -> None:
    """An order alone costs no look at the store: not even one that is broken is told of."""
    store = disk.home / ".local" / "state" / "lamini_creds"
    store.mkdir(parents=True)
    (store / "trusted").mkdir()
    disk.write(project="providers = ['env']")

    assert disk.resolver(LAMINI_API_KEY="test-key").resolve()


READ_ONCE = """
import sys
times = 0
def count(event, arguments):
    global times
    times += event == "open" and str(arguments[0]).endswith("pyproject.toml")
sys.addaudithook(count)
from lamini_creds import Resolver
print(Resolver().explain().error, times)
"""


def test_what_is_judged_is_what_is_read(disk: Disk) -> None:
    """The file is opened once: what was compared with the trust is what counts."""
    disk.write(project="deadline = 3")
    agree(disk)
    ran = subprocess.run(
        [sys.executable, "-c", READ_ONCE],
        env={"HOME": str(disk.home), "LAMINI_API_KEY": "test-key", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip

    assert "None 1" == ran.stdout.strip()
