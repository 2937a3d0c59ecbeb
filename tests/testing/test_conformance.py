"""The suite accepts a provider that does what it should, and each check refuses one that does not."""

from __future__ import annotations

import json
import logging
from typing import TYPE_CHECKING

import pytest
from support import install

from lamini_creds import Outcome, ProviderUnavailable, UnknownProviderError
from lamini_creds.testing import ProviderConformance, Store

if TYPE_CHECKING:
    from pathlib import Path

TOKEN = "test-token-of-the-shed"
PLUGIN = '''
import contextlib, json, logging, os, socket, subprocess, sys, threading, time, warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated
from msgspec import Meta
from lamini_creds import ProviderDenied, ProviderInvalid, ProviderUnavailable, Secret, hookimpl, parse_payload, quiet_logs

log = logging.getLogger("shed.sdk")
busy = threading.Lock()
cache = {}

def told(kind, reason="is not right", remedy="Look into the shed.", place="the shed"):
    return kind(reason, place=place, remedy=remedy)

def speak():
    with contextlib.suppress(BaseException), socket.socket() as early:
        early.connect(("127.0.0.1", 9))

@dataclass(frozen=True)
class Shed:
    """A file that plays a server; `fault` is what this provider does wrong."""

    path: Annotated[str, Meta(description="The file.")]
    fault: Annotated[str, Meta(description="What it does wrong.")] = ""

    def __post_init__(self):
        if self.fault == "early":
            speak()
        if self.fault == "early name":
            socket.getaddrinfo("localhost", 9)
        if self.fault == "early thread":
            threading.Thread(target=speak, daemon=True).start()
        if self.fault == "early program":
            subprocess.run([sys.executable, "-c", ""])

    def provide(self, context):
        found = self.found(context)
        if isinstance(found, Exception):
            raise found
        return found

    def found(self, context):
        server = json.loads(Path(self.path).read_text())
        state, text = server["state"], server["text"]
        if self.fault == "forks" and cache.setdefault("process", os.getpid()) != os.getpid():
            return told(ProviderUnavailable)
        if self.fault == "threads" and not busy.acquire(blocking=False):
            return told(ProviderUnavailable)
        if self.fault == "threads":
            time.sleep(0.05)
            busy.release()
        if state == "missing":
            return Secret("") if self.fault == "missing" else told(ProviderInvalid)
        if state == "denied" and self.fault == "shows login":
            return told(ProviderDenied, f"refuses {context.environ['SHED_TOKEN']}")
        if state == "denied" and self.fault == "logs login":
            log.error("refused: %s", context.environ["SHED_TOKEN"])
        if state == "denied":
            return told(ProviderUnavailable if self.fault == "denied" else ProviderDenied)
        if state == "down":
            without = {self.fault.removeprefix("no "): ""} if self.fault in ("no place", "no reason", "no remedy") else {}
            return told(ProviderInvalid if self.fault == "down" else ProviderUnavailable, **without)
        if state == self.fault:
            threading.Event().wait(context.remaining() + 2.5)
        if state in ("silent", "slow"):
            threading.Event().wait(0 if self.fault == "gone" else context.remaining() / 2)
            without = {"place": ""} if self.fault == "lost" else {}
            return told(ProviderDenied if self.fault == "gone" else ProviderUnavailable, **without)
        if self.fault == "keeps":
            text = cache.setdefault(self.path, text)
        if self.fault == "talks":
            log.debug("answer: %s", text)
        if self.fault == "talks aside":
            log.debug("an answer", extra={"body": text})
        with quiet_logs("shed"):
            log.debug("answer: %s", text)
        return self.read(text, context)

    def read(self, text, context):
        if self.fault == "shows":
            object.__setattr__(self, "path", self.path + "?" + text) if "?" not in self.path else None
        if self.fault == "prints":
            print("found", text)
        if self.fault == "prints errors":
            print("found", text, file=sys.stderr)
        if self.fault == "warns":
            warnings.warn(f"found {text}")
        if self.fault == "tells version":
            return Secret(json.loads(text)["key"], source="the shed", version=text)
        if self.fault == "other":
            return Secret("test-key-of-somebody-else", source="the shed")
        if self.fault == "nameless":
            return Secret(json.loads(text)["key"])
        if self.fault == "no url":
            return Secret(json.loads(text)["key"], source="the shed")
        if self.fault == "takes all":
            return Secret(text.partition('"key": "')[2].partition('"')[0], source="the shed")
        if self.fault == "raises":
            return Secret(json.loads(text)["key"], source="the shed")
        try:
            return parse_payload(text, profile=context.profile, source="the shed")
        except ProviderInvalid as error:
            if self.fault == "quotes":
                return told(ProviderInvalid, f"can't read {text}")
            if self.fault == "logs broken":
                log.error("can't read %s", text)
            if self.fault == "prints broken":
                print("can't read", text)
            if self.fault == "warns broken":
                context.warn(f"can't read {text}")
            if self.fault == "tells little":
                return told(ProviderInvalid, remedy="")
            if self.fault == "keeps frames":
                raise
            return error.with_traceback(None)

@hookimpl
def lamini_creds_register_provider():
    return Shed
'''


class ShedStore(Store):
    provider = "shed"

    def __init__(self, path: Path, fault: str = "") -> None:
        self.path, self.fault = path, fault

    def options(self) -> dict[str, object]:
        return {"path": str(self.path), "fault": self.fault}

    def environ(self) -> dict[str, str]:
        return {"SHED_TOKEN": TOKEN}

    def logins(self) -> tuple[str, ...]:
        return (TOKEN,)

    def _set(self, state: str, text: str = "") -> None:
        self.path.write_text(json.dumps({"state": state, "text": text}))

    def put(self, key: str, url: str | None = None) -> None:
        self._set("up", json.dumps({"key": key, "url": url}))

    def remove(self) -> None:
        self._set("missing")

    def deny(self) -> None:
        self._set("denied")

    def fail(self) -> None:
        self._set("down")

    def hang(self) -> None:
        self._set("silent")

    def dribble(self) -> None:
        self._set("slow")

    def corrupt(self, text: str) -> None:
        self._set("up", text)


@pytest.fixture(autouse=True)
def _shed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, PLUGIN, names=("shed",))


class TestGoodProvider(ProviderConformance):
    """A provider that does what it should passes every check."""

    @pytest.fixture
    def store(self, tmp_path: Path) -> Store:
        return ShedStore(tmp_path / "server.json")


FAULTS: dict[str, dict[str, str]] = {
    "test_found": {"other": "another key was found", "nameless": "names no source"},
    "test_found_with_its_url": {"no url": "the URL found is https://api.lamini.ai"},
    "test_missing": {"missing": "expected invalid: miss"},
    "test_denied": {
        "denied": "expected denied: unavailable",
        "shows login": "the login shows in what is raised or told",
        "logs login": "the login shows in the log",
    },
    "test_unavailable": {
        "down": "expected unavailable: invalid",
        "no place": "the error has no place",
        "no reason": "the error has no reason",
        "no remedy": "the error has no remedy",
    },
    "test_malformed": {
        "takes all": "expected invalid: found",
        "tells little": "the error has no remedy",
        "warns broken": "the key shows in what is raised or told",
    },
    "test_hang": {"gone": "expected unavailable: denied"},
    "test_time_budget": {"silent": "it has not come back"},
    "test_failing_in_time_is_unavailable": {"gone": "it raises ProviderDenied", "lost": "the error has no place"},
    "test_dribble": {"gone": "it raises ProviderDenied", "slow": "it has not come back"},
    "test_rotation": {"keeps": "the old key is found again"},
    "test_threads": {"threads": "the shed: is not right"},
    "test_fork": {"forks": "the child tells: ProviderUnavailable"},
    "test_nothing_leaks": {
        "shows": "the key shows in: object 1",
        "prints": "the key shows in what is printed",
        "prints errors": "the key shows in what is printed",
        "tells version": "the key shows in what is raised or told",
    },
    "test_no_failure_leaks": {
        "raises": "the key shows in what is raised or told",
        "quotes": "the key shows in what is raised or told",
        "keeps frames": "the key shows in what is raised or told: object 1's traceback with locals",
        "logs broken": "the key shows in the log",
        "prints broken": "the key shows in what is printed",
        "warns broken": "the key shows in what is raised or told",
    },
    "test_quiet_logs": {"talks": "the key shows in the log", "talks aside": "the key shows in the log"},
    "test_no_network_before_it_is_asked": {
        "early": "^socket.connect before anything was asked",
        "early name": "^socket.getaddrinfo before anything was asked",
        "early thread": "^socket.connect before anything was asked",
        "early program": "^subprocess.Popen before anything was asked",
    },
}


@pytest.mark.parametrize(
    ("check", "fault", "words"), [(check, *fault) for check, faults in FAULTS.items() for fault in faults.items()]
)
def test_a_check_refuses_a_bad_provider(check: str, fault: str, words: str, tmp_path: Path) -> None:
    """Each check fails for a provider that does wrong what it is about, and says what that is."""
    run = getattr(ProviderConformance(), check)

    with pytest.raises((AssertionError, ProviderUnavailable), match=words):
        run(ShedStore(tmp_path / "server.json", fault))


def test_the_check_of_the_network_tells_of_an_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the plugin's module does when it is imported is told in the same words."""
    install(tmp_path / "eager", monkeypatch, f"{PLUGIN}\nspeak()\n", names=("eager",), distribution="eager-creds")
    store = ShedStore(tmp_path / "server.json")
    store.provider = "eager"

    with pytest.raises(AssertionError, match=r"^socket.connect before anything was asked"):
        ProviderConformance().test_no_network_before_it_is_asked(store)


@pytest.mark.filterwarnings("default")
def test_a_check_refuses_a_provider_that_warns_of_the_key(tmp_path: Path) -> None:
    """A warning with the key is refused, and shown all the same."""
    with pytest.warns(UserWarning, match="found"), pytest.raises(AssertionError, match="the key shows in a warning"):
        ProviderConformance().test_found(ShedStore(tmp_path / "server.json", "warns"))


def test_a_local_provider_has_to_see_the_rotation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A token that stays as it was while the key changes is refused: nobody has rejected the old key."""
    code = PLUGIN.replace("    def provide", "    def state(self, context):\n        return 0\n\n    def provide", 1)
    install(tmp_path / "local", monkeypatch, code, names=("local",), distribution="local-creds")
    store = ShedStore(tmp_path / "server.json")
    store.provider = "local"

    with pytest.raises(AssertionError, match="the old key is found again"):
        ProviderConformance().test_rotation(store)


def test_the_chains_own_time_out_is_right_too(tmp_path: Path) -> None:
    """On a busy machine the chain may say first that there was no answer in time: it knows no place."""
    ProviderConformance().test_hang(ShedStore(tmp_path / "server.json", "silent"))


@pytest.mark.parametrize(
    ("class_lines", "words"),
    [
        ("class Shed:\n    pass\n", "no dataclass"),
        (
            "@dataclass\nclass Shed:\n    '''Not frozen.'''\n    path: Annotated[str, Meta(description='The file.')] = ''\n",
            "not frozen",
        ),
        (
            "@dataclass(frozen=True)\nclass Shed:\n    path: Annotated[str, Meta(description='The file.')] = ''\n",
            "no docstring",
        ),
        (
            "@dataclass(frozen=True)\nclass Shed:\n    '''Not described.'''\n    path: str = ''\n",
            "without a description: path",
        ),
        (
            "@dataclass(frozen=True)\nclass Shed:\n    '''Blank.'''\n    path: Annotated[str, Meta(description=' ')] = ''\n",
            "without a description: path",
        ),
        (
            "from typing import Any\n@dataclass(frozen=True)\nclass Shed:\n    '''Anything.'''\n    path: Annotated[Any, Meta(description='The file.')] = ''\n",
            "options whose type nothing can be checked against: path",
        ),
    ],
    ids=["no dataclass", "not frozen", "no docstring", "not described", "described by nothing", "of any type"],
)
def test_the_check_of_options_refuses(
    class_lines: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A provider has to be a frozen dataclass, described like its options."""
    before, _, _ = PLUGIN.partition("@dataclass")
    _, _, hook = PLUGIN.rpartition("@hookimpl")
    method = "    def provide(self, context):\n        return None\n"
    install(tmp_path / "bad", monkeypatch, f"{before}{class_lines}{method}@hookimpl{hook}", names=("bad",))
    store = ShedStore(tmp_path / "server.json")
    store.provider = "bad"

    with pytest.raises(AssertionError, match=words):
        ProviderConformance().test_options(store)


def test_what_a_store_logs_is_not_the_providers(tmp_path: Path) -> None:
    """A store may be a client that logs what it stores, while the provider is at work."""

    class Chatty(ShedStore):
        def put(self, key: str, url: str | None = None) -> None:
            logging.getLogger("client").debug("stored %s", key)
            super().put(key, url)

    ProviderConformance().test_rotation(Chatty(tmp_path / "server.json"))


def test_the_authors_own_settings_do_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither variables nor the user's file of whoever runs the suite are read."""
    settings = tmp_path / "config" / "lamini_creds" / "config.toml"
    settings.parent.mkdir(parents=True)
    settings.write_text('observers = ["nobody"]')
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("APPDATA", str(tmp_path / "config"))
    monkeypatch.setenv("LAMINI_CREDS_OBSERVERS", "nobody")

    ProviderConformance().test_found(ShedStore(tmp_path / "server.json"))


def test_options_that_are_refused_are_told(tmp_path: Path) -> None:
    """Where no walk is made the error says why."""
    store = ShedStore(tmp_path / "server.json")
    store.environ = lambda: {"LAMINI_CREDS_OBSERVERS": "nobody"}  # type: ignore[method-assign]  # as a store might

    with pytest.raises(UnknownProviderError, match="observers: nobody"):
        ProviderConformance().test_missing(store)


def test_every_check_is_tried() -> None:
    """No check of the suite goes without a provider that it refuses."""
    checks = {name for name in vars(ProviderConformance) if name.startswith("test_")}

    assert {*FAULTS, "test_options"} == checks


def test_a_place_that_may_be_empty_says_so(tmp_path: Path) -> None:
    """`missing` is the outcome that a provider's author expects of an empty place."""

    class Lenient(ProviderConformance):
        missing = Outcome.MISS

    with pytest.raises(AssertionError, match="expected miss: invalid"):
        Lenient().test_missing(ShedStore(tmp_path / "server.json"))


def test_a_method_left_out_is_a_skip_with_its_name() -> None:
    """The checks that need what a store can't do are skipped, and the reason names it."""
    with pytest.raises(pytest.skip.Exception, match="Store has no put"):
        ProviderConformance().test_denied(Store())
