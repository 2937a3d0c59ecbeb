"""`lamini-creds explain`: the report, its exit status, its JSON, and where settings come from."""

from __future__ import annotations

import base64
import json
import re
from importlib import resources
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import pytest
from jsonschema import Draft202012Validator

from lamini_creds._claim import Claim
from lamini_creds._credential import Hidden
from lamini_creds._freshness import Freshness
from lamini_creds.cli.explain import _age

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

    Command = Callable[..., Result]
    Process = Callable[..., subprocess.CompletedProcess[str]]
    Install = Callable[..., Path]

CANARY = "test-key-c4n4ry/+=9f8e7d"
PLUGIN = """
    from dataclasses import dataclass
    from lamini_creds import ProviderInvalid, Secret, hookimpl

    @dataclass(frozen=True)
    class Vault:
        '''A keeper.'''

        region: str = ""

        def provide(self, context):
            {body}

    @hookimpl
    def lamini_creds_register_provider():
        return Vault
"""
SCHEMA: dict[str, Any] = json.loads(resources.files("lamini_creds.cli").joinpath("explain.schema.json").read_text())


def rows(report: str) -> list[list[str]]:
    """Give the cells of the table's rows, the times left out."""
    lines = report[report.index("entry ") :].partition("\n\n")[0].splitlines()[1:]
    return [re.split(r"  +", line)[:-1] for line in lines]


def settings(done: Result) -> dict[str, tuple[str, str]]:
    return {row["setting"]: (row["value"], row["place"]) for row in json.loads(done.stdout)["configuration"]}


def test_found_in_a_process_of_its_own(process: Process) -> None:
    """A key in the environment is found: status 0, with entries in order and the winner's places."""
    done = process("explain", LAMINI_API_KEY="test-key-1", LAMINI_API_URL="https://lamini.example.com")

    assert (0, "") == (done.returncode, done.stderr)
    assert [["explicit", "miss", "holds nothing"], ["env", "found", "LAMINI_API_KEY"]] == [
        [cell for cell in row if cell] for row in rows(done.stdout)
    ]
    assert [
        "key          env: LAMINI_API_KEY",
        "URL          https://lamini.example.com",
        "URL from     LAMINI_API_URL",
        "fingerprint  1b39b8f5",
    ] == done.stdout.splitlines()[-4:]


def test_nothing_found(command: Command, home: Path) -> None:
    """Where no place has a key the status is 1, and every place asked says why not."""
    done = command("explain")

    assert 1 == done.exit_code
    assert ["yaml", "miss", f"{home}/.lamini/configure.yaml", "there is no such file"] in rows(done.stdout)
    assert [
        "error: no provider has a key for Lamini, profile 'production'",
        "  Set LAMINI_API_KEY, or put the key in one of these places.",
        "  To store one: lamini-creds login --profile production",
    ] == done.stderr.splitlines()


def test_login_is_named_where_it_helps_alone(command: Command) -> None:
    """What login would store is no answer to a chain that does not look there."""
    assert "login" not in command("explain", LAMINI_CREDS_PROVIDERS="env,file").stderr


def test_near_misses_are_told(command: Command) -> None:
    """A variable of nearly the right name is told of, one line each."""
    assert "  LAMINI_KEY is set; the name read is LAMINI_API_KEY" in [
        line.replace("    ", "  ") for line in command("explain", LAMINI_KEY="test-key-1").stderr.splitlines()
    ]


@pytest.mark.parametrize(
    ("environ", "reason", "remedy"),
    [
        pytest.param(
            {"LAMINI_API_KEY": "Bearer test-key-1"},
            "env: LAMINI_API_KEY: the key starts with a header's words",
            "Give the key alone",
            id="invalid key",
        ),
        pytest.param({"LAMINI_CREDS_HTTP": "maybe"}, "LAMINI_CREDS_HTTP: item 1 is not an origin", "://", id="setting"),
        pytest.param({"LAMINI_CREDS_PROFILE": "a b"}, "LAMINI_CREDS_PROFILE: is not a profile", "Use", id="profile"),
        pytest.param(
            {"LAMINI_CREDS_PROVIDERS": "wonder"}, "nothing installed offers a provider 'wonder'", "env", id="provider"
        ),
    ],
)
def test_anything_wrong_is_status_2(environ: dict[str, str], reason: str, remedy: str, command: Command) -> None:
    """What is wrong is told with its remedy on the standard error stream: status 2."""
    done = command("explain", **environ)

    assert 2 == done.exit_code
    assert reason in done.stderr
    assert remedy in done.stderr


def test_a_profile_is_asked_for(command: Command) -> None:
    """--profile chooses the profile, and so its variables and default URL."""
    done = command("explain", "--profile", "staging", LAMINI__STAGING__KEY="test-key-1")

    assert 0 == done.exit_code
    assert "URL          https://staging.lamini.ai" in done.stdout


def test_a_profile_that_is_none_is_refused(command: Command) -> None:
    """A name that no profile can have is an error, and asks nobody."""
    done = command("explain", "--profile", "")

    assert 2 == done.exit_code
    assert "Error: Invalid value for '--profile': it is not a profile's name." in done.stderr


def test_without_all_the_walk_ends_at_the_winner(command: Command) -> None:
    """Entries after the winner are not asked."""
    assert ["explicit", "env"] == [row[0] for row in rows(command("explain", LAMINI_API_KEY="test-key-1").stdout)]


def test_all_marks_the_others_as_shadowed(command: Command, home: Path) -> None:
    """--all asks the entries after the winner too, and marks them as shadowed."""
    (home / ".lamini").mkdir()
    file = home / ".lamini" / "configure.yaml"
    file.write_text("production: {key: test-key-2}")
    file.chmod(0o600)
    done = command("explain", "--all", LAMINI_API_KEY="test-key-1")

    assert ["env", "found"] == rows(done.stdout)[1][:2]
    assert ["yaml", "shadowed: found", str(file)] == rows(done.stdout)[3][:3]


def test_warnings_are_told(command: Command) -> None:
    """What works but should be mended is said after the winner, and changes no status."""
    done = command("explain", LAMINI_API_KEY="test-key-1", LAMINI_API_URL="http://gpu.internal:8000")

    assert 0 == done.exit_code
    assert "warning: LAMINI_API_URL: the key goes to http://gpu.internal:8000 over plain http" in done.stderr


def test_remedies_of_failures_passed_over_are_told(command: Command, install: Install) -> None:
    """Where the chain went on after a failure, its remedy is told all the same."""
    body = "from lamini_creds import ProviderDenied; raise ProviderDenied('no', remedy='Ask the keeper.')"
    install("keeper", PLUGIN.format(body=body))
    order = {"LAMINI_CREDS_PROVIDERS": "keeper,env", "LAMINI_CREDS_CONTINUE_ON": "denied"}
    done = command("explain", LAMINI_API_KEY="test-key-1", **order)

    assert 0 == done.exit_code
    assert "remedy for keeper: Ask the keeper." in done.stdout


def json_cases() -> list[Any]:
    key = {"LAMINI_API_KEY": "test-key-1"}
    return [
        pytest.param([], key, id="found"),
        pytest.param(["--all"], key, id="all"),
        pytest.param(["--config", "--profile", "local"], key, id="configuration"),
        pytest.param([], {}, id="nothing found"),
        pytest.param([], {"LAMINI_API_KEY": "<key>"}, id="invalid"),
        pytest.param(["--config"], {"LAMINI_CREDS_HTTP": "maybe"}, id="wrong setting"),
        pytest.param([], {"LAMINI_CREDS_PROVIDERS": "aws"}, id="unsupported"),
        pytest.param([], key | {"LAMINI_API_URL": "http://gpu.internal:8000"}, id="warning"),
        pytest.param([], {"LAMINI__A__KEY": "test-key-1", "LAMINI_CREDS_PROFILE": "a"}, id="no URL"),
    ]


@pytest.mark.parametrize(("arguments", "environ"), json_cases())
def test_json_is_as_the_schema_says(arguments: list[str], environ: dict[str, str], command: Command) -> None:
    """The JSON of every outcome is valid by the published schema, and says whether there is a credential."""
    done = command("explain", "--json", *arguments, **environ)
    report = json.loads(done.stdout)

    assert [] == [problem.message for problem in Draft202012Validator(SCHEMA).iter_errors(report)]
    assert (done.exit_code == 0) == report["found"]


def test_the_schema_is_a_schema() -> None:
    """The published schema is valid by its own dialect."""
    Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize(
    "change",
    [
        pytest.param({"key": "test-key-1"}, id="another field"),
        pytest.param({"found": False}, id="found and not"),
        pytest.param({"credential": None}, id="no credential"),
        pytest.param({"attempts": [{}]}, id="empty attempt"),
    ],
)
def test_the_schema_is_closed(change: dict[str, object], command: Command) -> None:
    """A report that says more than it may, or contradicts itself, is not valid."""
    report = json.loads(command("explain", "--json", LAMINI_API_KEY="test-key-1").stdout)

    assert not Draft202012Validator(SCHEMA).is_valid(report | change)


def test_freshness_is_told(command: Command, install: Install) -> None:
    """Of a store's answer the report says how long it counts, and when the store is asked again."""
    install("keeper", PLUGIN.format(body="return Secret('test-key-1')"))
    done = command("explain", LAMINI_CREDS_PROVIDERS="env,keeper")

    assert re.fullmatch(
        r"freshness    keeper: fresh for 300 s, asked again in 2[4-6]\d s", done.stdout.splitlines()[-1]
    )


def test_an_outage_is_told() -> None:
    """Of a stale answer it says for how long, why, and when the store is asked again."""
    age = _age(Freshness(None, 50.0, "unavailable: is down", 7.0))

    assert "stale for 50 s, asked again in 7 s, last error: unavailable: is down" == age


def test_json_stays_json_where_a_plugin_prints(command: Command, install: Install) -> None:
    """What a plugin prints goes to the standard error stream."""
    install("chatty", PLUGIN.format(body="print('hello')"))
    done = command("explain", "--json", LAMINI_CREDS_PROVIDERS="chatty")

    assert "hello\n" in done.stderr
    assert not json.loads(done.stdout)["found"]


def test_config_shows_the_defaults(command: Command) -> None:
    """--config shows every setting that nobody set with its default."""
    shown = settings(command("explain", "--config", "--json"))

    assert ("explicit, env, file, yaml, aws, gcp, azure", "default") == shown["providers"]
    assert {"profile", "providers", "continue_on", "deadline", "http", "allow_origins", "observers"} == set(shown)
    assert {"default"} == {place for _, place in shown.values()}


def test_config_shows_where_settings_come_from(command: Command, project: Path, home: Path) -> None:
    """--config shows variable, file and table of each setting that counts, the nearest layer's."""
    named, user = project / "named.toml", home / ".config" / "lamini_creds" / "config.toml"
    named.write_text('deadline = 3\n[provider.yaml]\npermissions = "strict"\n[profile.staging]\nproviders = ["yaml"]')
    user.parent.mkdir(parents=True)
    user.write_text('[tool.lamini_creds]\ndeadline = 4\nallow_origins = ["https://A.example/"]')
    environ = {"LAMINI_CREDS_CONFIG": str(named), "LAMINI_CREDS_HTTP": "loopback"}
    environ["XDG_CONFIG_HOME"] = str(home / ".config")
    shown = settings(command("explain", "--config", "--json", "--profile", "staging", **environ))

    assert ("staging", "--profile") == shown["profile"]
    assert ("loopback", "LAMINI_CREDS_HTTP") == shown["http"]
    assert ("3.0", f"{named}: deadline") == shown["deadline"]
    assert ("yaml", f"{named}: [profile.staging] providers") == shown["providers"]
    assert ("strict", f"{named}: [provider.yaml] permissions") == shown["yaml.permissions"]
    assert ("https://a.example", f"{user}: [tool.lamini_creds] allow_origins") == shown["allow_origins"]
    assert ("set", "LAMINI_CREDS_CONFIG") == shown["config"]


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        pytest.param({"LLAMA_ENVIRONMENT": "STAGING"}, ("staging", "LLAMA_ENVIRONMENT"), id="the service's"),
        pytest.param({"LAMINI_CREDS_PROFILE": "local"}, ("local", "LAMINI_CREDS_PROFILE"), id="ours"),
        pytest.param(
            {"LAMINI_CREDS_PROFILE": "local", "LLAMA_ENVIRONMENT": "STAGING"},
            ("local", "LAMINI_CREDS_PROFILE"),
            id="ours before the service's",
        ),
    ],
)
def test_config_shows_who_chose_the_profile(environ: dict[str, str], expected: object, command: Command) -> None:
    """--config shows the ambient profile with the variable that names it."""
    assert expected == settings(command("explain", "--config", "--json", **environ))["profile"]


def test_config_names_a_file_s_profile(command: Command, project: Path) -> None:
    """--config shows the file that names the ambient profile."""
    file = project / "named.toml"
    file.write_text('profile = "local"')
    shown = settings(command("explain", "--config", "--json", LAMINI_CREDS_CONFIG=str(file)))

    assert ("local", f"{file}: profile") == shown["profile"]


def test_config_tells_that_an_order_needs_no_trust(command: Command, project: Path) -> None:
    """--config says of a project file that only orders that it counts without trust."""
    file = project / "pyproject.toml"
    file.write_text('[tool.lamini_creds]\nproviders = ["env"]\n')
    shown = settings(command("explain", "--config", "--json", LAMINI_API_KEY="test-key-1"))

    assert ("not needed", str(file)) == shown["trust"]


def test_config_tells_of_trust(command: Command, home: Path, project: Path) -> None:
    """--config says of a project file that is trusted that it is."""
    file = project / "pyproject.toml"
    file.write_text("[tool.lamini_creds]\ndeadline = 3\n")
    claim = Claim(Hidden({"deadline": 3}), str(file), Hidden({}), str(home))
    assert claim.store
    assert isinstance(claim.fingerprint, str)
    claim.store.put(claim.path, claim.fingerprint)
    shown = settings(command("explain", "--config", "--json", LAMINI_API_KEY="test-key-1"))

    assert ("given", str(file)) == shown["trust"]


def test_config_does_not_show_free_text(command: Command) -> None:
    """An option that takes any text is shown by name and place alone: it may be a misplaced key."""
    environ = {"LAMINI_CREDS__AWS__SECRET": CANARY, "LAMINI_CREDS__AWS__TTL": CANARY, "LAMINI_CREDS__YAML__PATH": "/a"}
    done = command("explain", "--config", LAMINI_API_KEY="test-key-1", **environ)

    assert re.search(r"^aws\.secret +\(not shown\) +LAMINI_CREDS__AWS__SECRET$", done.stdout, re.MULTILINE)
    assert re.search(r"^yaml\.path +\(not shown\) +LAMINI_CREDS__YAML__PATH$", done.stdout, re.MULTILINE)
    assert CANARY not in done.output


def test_config_is_left_out_where_it_can_t_be_read(command: Command) -> None:
    """--config with a configuration that is wrong tells what is wrong, and nothing else."""
    done = command("explain", "--config", LAMINI_CREDS_HTTP="maybe")

    assert (2, "") == (done.exit_code, done.stdout)


@pytest.mark.parametrize("arguments", [["--all", "--config"], ["--json", "--all", "--config"]], ids=["text", "json"])
@pytest.mark.parametrize("prefix", ["", "Bearer ", "${", "<"], ids=["valid", "bearer", "variable", "placeholder"])
def test_no_key_is_ever_shown(arguments: list[str], prefix: str, process: Process, home: Path) -> None:
    """No form of a key stands in any output, be the key found, shadowed or refused."""
    (home / ".lamini").mkdir()
    (home / ".lamini" / "configure.yaml").write_text(f"production: {{key: '{CANARY}'}}")
    done = process("explain", *arguments, LAMINI_API_KEY=prefix + CANARY)
    forms = (CANARY, base64.b64encode(CANARY.encode()).decode(), CANARY.encode().hex(), quote(CANARY, safe=""))

    assert [] == [form for form in forms if form in done.stdout + done.stderr]


def test_names_from_outside_are_escaped(command: Command, install: Install) -> None:
    """A plugin's words can neither move the cursor nor forge a line of the report."""
    body = r"raise ProviderInvalid('red \x1b[31m', place='a\nerror: b', remedy='c\x1b]0;d')"
    install("keeper", PLUGIN.format(body=body))
    done = command("explain", LAMINI_CREDS_PROVIDERS="keeper")

    assert "\x1b" not in done.output
    assert not re.search("^error: b", done.output, re.MULTILINE)
    assert r"red \x1b[31m" in done.stdout
