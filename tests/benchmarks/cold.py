"""
Print what a first call costs a process: the CPU time and the memory that it adds to a bare interpreter.

Run by `run.py`, in an environment with the peers. All programs of a table are
started in turns, so that a busy machine slows them alike; the ratios are those
of medians.
"""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from .table import Goal, show

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

FIND = "import lamini_creds; lamini_creds.resolve_credentials()"
KEY = {"LAMINI_API_KEY": "test-key-1"}
KEY_AND_URL = {**KEY, "LAMINI_API_URL": "https://lamini.example.com"}
YAML_BY_HAND = """
import pluggy, yaml, os
with open(os.path.expanduser("~/.lamini/configure.yaml"), "rb") as file:
    yaml.load(file, yaml.CSafeLoader)
"""
SETTINGS = """
from pydantic_settings import BaseSettings, SettingsConfigDict
class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="LAMINI_")
    api_key: str
    api_url: str
Settings()
"""
SETTINGS_YAML = """
import os
from pydantic_settings import BaseSettings, YamlConfigSettingsSource
class Settings(BaseSettings):
    production: dict[str, str]
    @classmethod
    def settings_customise_sources(cls, kind, init_settings, env_settings, **_):
        return env_settings, YamlConfigSettingsSource(kind, os.path.expanduser("~/.lamini/configure.yaml"))
Settings()
"""
KEYRING = """
import os, keyring
from keyrings.alt.file import PlaintextKeyring
PlaintextKeyring().get_password("lamini", "key")
"""
BOTOCORE = "import botocore.session; botocore.session.get_session().get_credentials().get_frozen_credentials()"
GOOGLE = "import google.auth; google.auth.default()"
GOOGLE_LOGIN = '{"type": "authorized_user", "client_id": "test", "client_secret": "test", "refresh_token": "test"}'
BOTO3 = "import boto3; boto3.client('secretsmanager').get_secret_value(SecretId='lamini')['SecretString']"
SECRETS_CACHE = """
import boto3
from aws_secretsmanager_caching import SecretCache
SecretCache(client=boto3.client("secretsmanager")).get_secret_string("lamini")
"""
POWERTOOLS = "from aws_lambda_powertools.utilities import parameters; parameters.get_secret('lamini')"
SCAN = """
import importlib.metadata, time
began = time.perf_counter()
importlib.metadata.entry_points(group="lamini_creds")
print(time.perf_counter() - began)
"""
LOOK_UP = """
import importlib.metadata, time
from lamini_creds._plugins import installed
began = time.perf_counter()
installed()
print(time.perf_counter() - began)
"""
MEMORY = "\nprint(open('/proc/self/status').read().split('VmRSS:')[1].split()[0])"


def main() -> None:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 40
    with tempfile.TemporaryDirectory() as folder:
        home, empty = home_with_yaml(Path(folder).resolve())
        os.chdir(empty)
        local(home, empty, rounds)
        with aws() as login:
            store({"HOME": str(empty), **login}, rounds)
        look_up({"HOME": str(empty)}, rounds)
        if os.path.exists("/proc/self/status"):
            memory({"HOME": str(empty), **KEY_AND_URL}, rounds)


def home_with_yaml(home: Path) -> tuple[Path, Path]:
    """Make a home with the YAML file, changed long ago, and one without."""
    empty = home / "empty"
    empty.mkdir()
    file = home / ".lamini" / "configure.yaml"
    file.parent.mkdir()
    file.touch(mode=0o600)
    file.write_text("production: {key: test-key-1, url: 'https://lamini.example.com'}\n")
    os.utime(file, (1, 1))
    (home / "login.json").write_text(GOOGLE_LOGIN)
    return home, empty


def local(home: Path, empty: Path, rounds: int) -> None:
    """Compare what needs no network."""
    bare, full = {"HOME": str(empty)}, {"HOME": str(home)}
    programs = {
        "import pluggy": ("import pluggy", bare),
        "import pluggy, yaml; read": (YAML_BY_HAND, full),
        "env, key and URL": (FIND, {**bare, **KEY_AND_URL}),
        "env, key alone": (FIND, {**bare, **KEY}),
        "yaml": (FIND, full),
        "pydantic-settings, env": (SETTINGS, {**bare, **KEY_AND_URL}),
        "pydantic-settings, env and YAML": (SETTINGS_YAML, full),
        "dynaconf": ("from dynaconf import Dynaconf; Dynaconf(envvar_prefix='LAMINI').API_KEY", {**bare, **KEY}),
        "keyring, file": (KEYRING, bare),
        "botocore, env": (BOTOCORE, {**bare, "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing"}),
        "google-auth, default login": (GOOGLE, {**bare, "GOOGLE_APPLICATION_CREDENTIALS": str(home / "login.json")}),
        "azure-identity, default login": ("from azure.identity import *; DefaultAzureCredential()", bare),
    }
    goals = {
        "env, key and URL": Goal(1.5, "import pluggy"),
        "env, key alone": Goal(1.5, "import pluggy"),
        "yaml": Goal(1.25, "import pluggy, yaml; read"),
    }
    show("cold: CPU added to a bare interpreter, in ms", added(programs, rounds), goals)


def store(login: Mapping[str, str], rounds: int) -> None:
    """Compare what asks AWS Secrets Manager, here a moto server, for one secret."""
    by_hand = "boto3: a client and one get_secret_value"
    programs = {
        by_hand: (BOTO3, login),
        "aws, at the end of the default chain": (FIND, {**login, "LAMINI_CREDS__AWS__SECRET": "lamini"}),
        "aws-secretsmanager-caching": (SECRETS_CACHE, login),
        "aws-lambda-powertools": (POWERTOOLS, login),
    }
    goals = {"aws, at the end of the default chain": Goal(1.05, by_hand)}
    show("cold, with a store: CPU added, in ms", added(programs, rounds), goals)


def look_up(environ: Mapping[str, str], rounds: int) -> None:
    """Compare the search for plugins with one scan of the installed metadata."""
    programs = {"one scan": (SCAN, environ), "the search for plugins": (LOOK_UP, environ)}
    measured = in_turns(programs, rounds, lambda code, variables: float(printed(code, variables)) * 1e3)
    goals = {"the search for plugins": Goal(1.2, "one scan")}
    show("entry points, once a process, in ms", {name: median(times) for name, times in measured.items()}, goals)


def memory(environ: Mapping[str, str], rounds: int) -> None:
    """Compare the memory that stays."""
    codes = {"": "", "import pluggy": "import pluggy", "env, key and URL": FIND, "pydantic-settings, env": SETTINGS}
    programs = {name: (code + MEMORY, environ) for name, code in codes.items()}
    measured = in_turns(programs, min(rounds, 10), lambda code, variables: float(printed(code, variables)) / 1024)
    bare = median(measured.pop(""))
    figures = {name: median(sizes) - bare for name, sizes in measured.items()}
    show("memory added to a bare interpreter, in MB", figures, {"env, key and URL": Goal(4.5)})


def added(programs: Mapping[str, tuple[str, Mapping[str, str]]], rounds: int) -> dict[str, float]:
    """Give the milliseconds of CPU that each program adds to a bare interpreter."""
    measured = in_turns({"": ("", {}), **programs}, rounds, cpu_of)
    bare = median(measured.pop(""))
    return {name: (median(times) - bare) * 1e3 for name, times in measured.items()}


def in_turns(
    programs: Mapping[str, tuple[str, Mapping[str, str]]],
    rounds: int,
    measure: Callable[[str, Mapping[str, str]], float],
) -> dict[str, list[float]]:
    """Measure the programs one after the other, round by round; the first round warms the compiled files up."""
    measured: dict[str, list[float]] = {name: [] for name in programs}
    for number in range(rounds + 1):
        for name, (code, environ) in programs.items():
            figure = measure(code, environ)
            if number:
                measured[name].append(figure)
    return measured


def cpu_of(code: str, environ: Mapping[str, str]) -> float:
    """Give the CPU time of one interpreter."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], env=environ, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def printed(code: str, environ: Mapping[str, str]) -> str:
    return subprocess.run([sys.executable, "-c", code], env=environ, check=True, capture_output=True, text=True).stdout


@contextmanager
def aws() -> Iterator[dict[str, str]]:
    """Run a moto server with one secret; give the variables that lead to it."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    login = {
        "AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "eu-west-1",
        "AWS_ENDPOINT_URL": url,
    }  # fmt: skip
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(f"{url}/moto-api/")
        create = "import boto3; boto3.client('secretsmanager').create_secret(Name='lamini', SecretString='test-key-1')"
        subprocess.run([sys.executable, "-c", create], env=login, check=True)
        yield login
    finally:
        server.terminate()
        server.wait()


def wait_for(url: str) -> None:
    """Wait until a server answers."""
    for _ in range(300):
        try:
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310  # loopback
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise TimeoutError(f"{url} does not answer")


if __name__ == "__main__":
    main()
