"""`lamini-creds doctor`: one page that can be pasted anywhere, and a command for each thing to mend."""

from __future__ import annotations

import base64
import json
import os
import re
import sys
import time
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest

from lamini_creds._claim import Claim
from lamini_creds._credential import Hidden
from lamini_creds.cli import _machine
from lamini_creds.cli.doctor import _finding

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    Command = Callable[..., Result]
    Process = Callable[..., subprocess.CompletedProcess[str]]
    Install = Callable[..., Path]

CANARY = "test-key-c4n4ry/+=9f8e7d"
PAIR = {"LAMINI_API_KEY": "test-key-1", "LAMINI_API_URL": "https://lamini.example.com"}
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX files and processes")
AS_ROOT = pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() != 0, reason="only root can be somebody else")
PLUGIN = """
    from dataclasses import dataclass
    from pathlib import Path
    from lamini_creds import ProviderDenied, ProviderUnavailable, Secret, hookimpl

    @dataclass(frozen=True)
    class Keeper:
        '''A keeper of keys.'''

        room: str = ""

        def provide(self, context):
            Path(__file__).with_name("asked").touch()
            {body}

    @hookimpl
    def lamini_creds_register_provider():
        return Keeper
"""


def report(done: Result) -> dict[str, Any]:
    told: dict[str, Any] = json.loads(done.stdout)
    return told


def findings(done: Result) -> list[tuple[str, str]]:
    """Give what is to be mended, each with its command."""
    return [(finding["what"], finding["command"]) for finding in report(done)["findings"]]


def test_all_is_well_in_a_process_of_its_own(process: Process) -> None:
    """Where nothing is to be mended the status is 0, and the page has each of its parts."""
    done = process("doctor", **PAIR)

    assert (0, "") == (done.returncode, done.stderr)
    assert "to mend: nothing" == done.stdout.splitlines()[-1]
    for line in (
        "^lamini-creds +[0-9(]",
        "^Python +3",
        "^platform ",
        "^msgspec +[0-9]",
        "^variables that are set: LAMINI_API_KEY, LAMINI_API_URL$",
        "^trust: no project file is in use$",
        "^clock: 20",
        "^providers +explicit, env, file, yaml, aws, gcp, azure +default$",
        "^env +found +LAMINI_API_KEY ",
        "^yaml +shadowed: miss +~/.lamini/configure.yaml ",
        "^~/.lamini/configure.yaml +key +not there$",
    ):
        assert re.search(line, done.stdout, re.MULTILINE), line


def test_where_the_key_goes(command: Command) -> None:
    """The page answers a ticket's first question: which key it is, and which server it goes to."""
    assert (
        "\nkey          env: LAMINI_API_KEY\nURL          https://lamini.example.com\n"
        "URL from     LAMINI_API_URL\nfingerprint  "
    ) in command("doctor", **PAIR).stdout


def test_nothing_found(command: Command) -> None:
    """Where no key is found the command is the one that stores one, for the profile asked for."""
    done = command("doctor", "--profile", "staging", "--json")

    assert 1 == done.exit_code
    assert [
        ("no provider has a key for Lamini, profile 'staging'", "lamini-creds login --profile staging")
    ] == findings(done)


def test_a_finding_is_told_with_remedy_and_command(command: Command) -> None:
    """On the page a finding has a number, its remedy, and the command on a line of its own."""
    done = command("doctor", LAMINI_CREDS_HTTP="maybe", **PAIR)

    assert [
        "to mend: 1",
        "1. LAMINI_CREDS_HTTP: item 1 is not an origin",
        "   Write scheme://host:port, without a path.",
        "   $ lamini-creds check",
    ] == done.stdout.splitlines()[-4:]


def test_every_mistake_is_a_finding_once(command: Command) -> None:
    """Each mistake of the configuration is told, and none of them twice."""
    environ = {"LAMINI_CREDS_HTTP": "maybe", "LAMINI_CREDS_BOGUS": "1", "LAMINI_CREDS_PROVIDERS": "env,exec"}
    done = command("doctor", "--json", **environ, **PAIR)

    assert [
        "LAMINI_CREDS_BOGUS: is no setting",
        "LAMINI_CREDS_HTTP: item 1 is not an origin",
        "LAMINI_CREDS_PROVIDERS: exec needs the option 'command'",
    ] == sorted(what for what, _ in findings(done))


def test_a_mistake_that_an_entry_tells_of_too(command: Command) -> None:
    """What both the configuration and the entry that can't be made tell of is one finding."""
    done = command("doctor", "--json", LAMINI_CREDS_PROVIDERS="env,exec", **PAIR)

    assert [("LAMINI_CREDS_PROVIDERS: exec needs the option 'command'", "lamini-creds check")] == findings(done)
    assert "invalid" == report(done)["attempts"][-1]["outcome"]


@POSIX
def test_two_stores_that_fail_alike_are_two_findings(command: Command) -> None:
    """Each entry that fails is told of, whatever the others say; what ended the walk is not told again."""
    environ = {"LAMINI_CREDS_PROVIDERS": "exec:a,exec:b", "LAMINI_CREDS__EXEC_A__COMMAND": "sh,-c,exit 4"}
    done = command("doctor", "--json", LAMINI_CREDS__EXEC_B__COMMAND="sh,-c,exit 4", **environ)

    assert ["exec:a", "exec:b"] == [what.split(": ")[0] for what, _ in findings(done)]


def test_what_is_wrong_with_the_pair(command: Command) -> None:
    """A key and a URL that can't go together are a finding, though every entry is well."""
    done = command("doctor", "--json", LAMINI_CREDS_PROFILE="lab", LAMINI_API_KEY="test-key-1")

    assert 1 == len(findings(done))
    assert "the profile 'lab' has no URL" in findings(done)[0][0]


@POSIX
@pytest.mark.parametrize(
    ("end", "outcome"), [("exit 4", "denied"), ("exit 5", "unavailable"), ("exit 1", "invalid")], ids=lambda text: text
)
def test_a_store_that_fails_is_a_finding(end: str, outcome: str, command: Command) -> None:
    """A store that is asked and fails is a finding, also where another entry has the key."""
    environ = {"LAMINI_CREDS_PROVIDERS": "env,exec", "LAMINI_CREDS__EXEC__COMMAND": f"sh,-c,{end}"}
    done = command("doctor", "--json", **environ, **PAIR)
    told = report(done)

    assert 1 == done.exit_code
    assert [("env", "found", False), ("exec", outcome, True)] == [
        (attempt["entry"], attempt["outcome"], attempt["shadowed"]) for attempt in told["attempts"][1:]
    ]
    assert re.fullmatch(rf"exec: \S+/sh: .*\(it exited with \d\) \({outcome}\)", told["findings"][0]["what"])
    assert "lamini-creds explain --all" == told["findings"][0]["command"]


def test_a_store_of_a_plugin_is_tried(command: Command, install: Install, site: Path) -> None:
    """A plugin's store is asked through the resolver, with the remedy that the plugin gives."""
    body = "raise ProviderDenied('is closed', place='room 1', remedy='Ask the keeper.')"
    install("keeper", PLUGIN.format(body=body))
    done = command("doctor", LAMINI_CREDS_PROVIDERS="env,keeper", **PAIR)

    assert (site / "asked").exists()
    assert [
        "1. keeper: room 1: is closed (denied)",
        "   Ask the keeper.",
        "   $ lamini-creds explain --all",
    ] == done.stdout.splitlines()[-3:]


def test_the_versions_of_plugins_and_what_they_need(command: Command, install: Install, site: Path) -> None:
    """Each installed plugin has its version, and so has what it needs, here or not; nothing of it is imported."""
    install("keeper", PLUGIN.format(body="return None"))
    metadata = site / "creds_keeper-1.2.dist-info" / "METADATA"
    needs = "Requires-Dist: msgspec>=0.1\nRequires-Dist: no-such-sdk (>=1)\nRequires-Dist: other; extra == 'x'\n"
    metadata.write_text(metadata.read_text() + needs)
    versions = report(command("doctor", "--json", **PAIR))["versions"]

    assert ("1.2", "(not installed)") == (versions["creds-keeper"], versions["no-such-sdk"])
    assert "other" not in versions
    assert not (site / "asked").exists()


def test_a_warning_is_a_finding(command: Command) -> None:
    """What works but should be mended is a finding too."""
    done = command("doctor", "--json", **PAIR | {"LAMINI_API_URL": "http://gpu.internal:8000"})

    assert 1 == done.exit_code
    assert findings(done)[0][0].startswith("LAMINI_API_URL: the key goes to http://gpu.internal:8000 over plain http")


@pytest.mark.parametrize(
    ("said", "remedy", "finding"),
    [
        ("a holds a key; run: chmod 600 a", "", ("a holds a key", "chmod 600 a")),
        ("", "Run: chmod 600 'a; b'; or set permissions = \"off\".", ("what", "chmod 600 'a")),
        ("", "If you trust it, run: lamini-creds trust a; in a container ...", ("what", "lamini-creds trust a")),
        ("", "Mend it.", ("what", "otherwise")),
    ],
)
def test_the_command_is_taken_from_the_words(said: str, remedy: str, finding: tuple[str, str]) -> None:
    """Where the words name a command, it is that one."""
    told = _finding("what" if not said else said.partition("; run")[0], remedy, "otherwise", said=said)

    assert finding == (told.what, told.command)


@POSIX
def test_settings_that_others_can_change(command: Command, home: Path) -> None:
    """A file of settings, or its directory, that others can write to is a finding with its `chmod`."""
    file = home / ".config" / "lamini_creds" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text('http = "loopback"')
    file.chmod(0o666)
    file.parent.chmod(0o777)

    assert [
        (
            "~/.config/lamini_creds/config.toml: holds settings and can be changed by other users",
            "chmod go-w ~/.config/lamini_creds/config.toml",
        ),
        ("~/.config/lamini_creds: other users may put files there", "chmod go-w ~/.config/lamini_creds"),
    ] == findings(command("doctor", "--json", **PAIR))


@AS_ROOT
def test_a_file_of_another_user(command: Command, home: Path) -> None:
    """A file that belongs to somebody else is a finding with its `chown`."""
    file = home / ".config" / "lamini_creds" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text('http = "loopback"')
    os.chown(file, 12345, -1)
    done = command("doctor", "--json", **PAIR)

    assert [
        (
            "~/.config/lamini_creds/config.toml: holds settings and belongs to another user",
            'chown "$(id -u)" ~/.config/lamini_creds/config.toml',
        )
    ] == findings(done)
    assert "user 12345" in [file["owner"] for file in report(done)["files"]]


@POSIX
def test_a_project_file_that_others_can_change(command: Command, project: Path) -> None:
    """A project file that the user trusts, or named, is theirs to guard: doctor tells."""
    file = project / "pyproject.toml"
    file.write_text('[tool.lamini_creds]\nproviders = ["env"]\n')
    file.chmod(0o666)
    done = command("doctor", "--json", **PAIR)

    assert [(f"{file}: other users may change the settings there", f"chmod go-w {file}")] == findings(done)


@POSIX
def test_a_directory_with_a_blank(command: Command, tmp_path: Path) -> None:
    """The command for a path that needs quotes has them, and still begins at the home directory."""
    home = tmp_path / "my home"
    (home / "my keys" / "lamini_creds").mkdir(parents=True)
    (home / "my keys" / "lamini_creds").chmod(0o777)
    done = command("doctor", "--json", HOME=str(home), XDG_CONFIG_HOME=str(home / "my keys"), **PAIR)

    assert [
        ("~/my keys/lamini_creds: other users may put files there", "chmod go-w ~/'my keys/lamini_creds'")
    ] == findings(done)


@POSIX
def test_a_key_file_that_others_can_write(command: Command, home: Path) -> None:
    """What a provider says of a file's permissions is a finding with the command that it names."""
    (home / ".lamini").mkdir()
    file = home / ".lamini" / "configure.yaml"
    file.write_text("production: {key: test-key-1}")
    file.chmod(0o666)
    what, mend = findings(command("doctor", "--json"))[0]

    assert "yaml: ~/.lamini/configure.yaml: holds a key and can be changed by other users (invalid)" == what
    assert "chmod 600 ~/.lamini/configure.yaml" == mend


def test_an_untrusted_project_file(command: Command, project: Path) -> None:
    """A project file that needs trust is a finding, with the command that gives it."""
    file = project / "pyproject.toml"
    file.write_text('[tool.lamini_creds]\nhttp = "any"\n')
    done = command("doctor", "--json", **PAIR)

    assert [f"lamini-creds trust {file}"] == [mend for _, mend in findings(done)]
    assert "the configuration can't be read: see the findings" == report(done)["trust"]


def test_a_project_file_that_needs_no_trust(command: Command, project: Path) -> None:
    """A project file that only orders is named, with the reason why it counts."""
    file = project / "pyproject.toml"
    file.write_text('[tool.lamini_creds]\nproviders = ["env"]\n')
    done = command("doctor", "--json", **PAIR)

    assert 0 == done.exit_code
    assert f"{file}: it only orders or drops entries, which needs no trust" == report(done)["trust"]


def test_a_trusted_project_file(command: Command, home: Path, project: Path) -> None:
    """A project file that is trusted is named as such, and the store of trust is among the files."""
    file = project / "pyproject.toml"
    file.write_text("[tool.lamini_creds]\ndeadline = 3\n")
    claim = Claim(Hidden({"deadline": 3}), str(file), Hidden({}), str(home))
    assert claim.store
    assert isinstance(claim.fingerprint, str)
    claim.store.put(claim.path, claim.fingerprint)
    told = report(command("doctor", "--json", **PAIR))

    assert f"{file}: it is trusted" == told["trust"]
    assert [claim.store.path.replace(str(home), "~")] == [
        each["path"] for each in told["files"] if each["holds"] == "trust"
    ]


def test_a_slow_clock(command: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that shows a time before this package was installed is a finding."""
    monkeypatch.setattr(_machine, "time", lambda: 1_000_000_000.0)
    told = findings(command("doctor", "--json", **PAIR))

    assert ["the clock is slow: this package was installed later than it shows"] == [what for what, _ in told]


def test_the_clock_is_shown(command: Command) -> None:
    """The page has the time in UTC."""
    shown = datetime.fromisoformat(report(command("doctor", "--json", **PAIR))["clock"])

    assert abs(shown.timestamp() - time.time()) < 60


def test_the_home_directory_is_a_tilde(command: Command, home: Path) -> None:
    """The home directory, which has the user's name in it, is written as `~` everywhere."""
    (home / ".lamini").mkdir()
    (home / ".lamini" / "configure.yaml").write_text("production: [")
    for arguments in ([], ["--json"]):
        done = command("doctor", *arguments, LAMINI_CREDS_CONFIG=str(home / "absent.toml"))

        assert str(home) not in done.output
        assert "~/absent.toml" in done.stdout


@pytest.mark.parametrize("arguments", [[], ["--json"]], ids=["text", "json"])
@pytest.mark.parametrize("prefix", ["", "Bearer ", "${", "<"], ids=["valid", "bearer", "variable", "placeholder"])
def test_no_key_is_ever_shown(arguments: list[str], prefix: str, process: Process, home: Path) -> None:
    """No form of a key is on the page, be it found, shadowed, refused, or where a setting belongs."""
    (home / ".lamini").mkdir()
    (home / ".lamini" / "configure.yaml").write_text(f"production: {{key: '{CANARY}'}}")
    environ = {"LAMINI_CREDS__YAML__PATH": CANARY, "LAMINI_CREDS__EXEC__COMMAND": f"sh,-c,echo {CANARY}"}
    order = {"LAMINI_CREDS_PROVIDERS": "env,yaml,yaml:own,exec,file", "LAMINI_CREDS__YAML_OWN__PERMISSIONS": CANARY}
    done = process("doctor", *arguments, LAMINI_API_KEY=prefix + CANARY, LAMINI_KEY=CANARY, **environ, **order)
    forms = (CANARY, base64.b64encode(CANARY.encode()).decode(), CANARY.encode().hex(), quote(CANARY, safe=""))

    assert 1 == done.returncode
    assert [] == [form for form in forms if form in done.stdout + done.stderr]


def test_names_from_outside_are_escaped(command: Command, install: Install) -> None:
    """Neither a plugin's words nor a variable's name can move the cursor or forge a line of the page."""
    body = r"raise ProviderDenied('red \x1b[31m', place='a\nto mend: nothing', remedy='c\x1b]0;d')"
    install("keeper", PLUGIN.format(body=body))
    done = command("doctor", LAMINI_CREDS_PROVIDERS="env,keeper", **PAIR, **{"LAMINI_\x1b[2J\n": "1"})

    assert "\x1b" not in done.output
    assert not re.search("^to mend: nothing", done.stdout, re.MULTILINE)
    assert r"LAMINI_\x1b[2J\n" in done.stdout


def test_json_stays_json_where_a_plugin_prints(command: Command, install: Install) -> None:
    """What a plugin prints goes to the standard error stream."""
    install("keeper", PLUGIN.format(body="print('noise'); return Secret('test-key-2')"))
    done = command("doctor", "--json", LAMINI_CREDS_PROVIDERS="keeper")

    assert (0, "keeper") == (done.exit_code, report(done)["credential"]["provider"])
    assert "noise" in done.stderr
