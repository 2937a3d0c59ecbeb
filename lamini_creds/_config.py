"""Read the configuration's layers: code, environment, project file, the user's file, the site's."""

from __future__ import annotations

import os
import re
import stat
import sys
from typing import TYPE_CHECKING

from lamini_creds import _read
from lamini_creds._outcome import Problem
from lamini_creds._settings import DEFAULT_ORDER, Settings
from lamini_creds._text import printable
from lamini_creds.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lamini_creds._credential import Hidden
    from lamini_creds._settings import Layer

PREFIX = "LAMINI_CREDS_"
PROFILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
SITE_FILE = "/etc/lamini_creds.toml"


def read(
    code: Hidden[Mapping[str, object]] | None, named: str | None, environ: Hidden[Mapping[str, str]], home: str | None
) -> Settings:
    """
    Read and merge all layers; what is not there costs a stat.

    Args:
        code: Settings given in Python: no project file is searched then.
        named: A file given in Python, in the project file's place.
        environ: The environment.
        home: The home directory, if there is one.

    Raises:
        ConfigError: A layer is malformed or sets what does not exist.
        UntrustedConfigError: A project file sets what only a trusted file may.
    """
    layers = [layer for layer in _file_layers(code, named, environ, home) if layer]
    variables = sorted(name for name in environ.value if name.startswith(PREFIX) and environ.value[name].strip())
    if not (layers or variables or code):
        return Settings()
    from lamini_creds import _layers, _trust

    if code:
        layers.insert(0, _layers.from_code(code))
    labels = set(DEFAULT_ORDER).union(*(layer.labels() for layer in layers))
    from_environ = _layers.from_environ(environ, variables, labels)
    layers.insert(1 if code else 0, from_environ)
    _layers.check_labels(layers)
    for layer in layers:
        if layer.project:
            _trust.judge(layer, Settings(tuple(other for other in layers if not other.project)))
    return Settings(tuple(layers))


def check_profile(name: object, place: str) -> str:
    """Give a profile's name back if it is one."""
    if isinstance(name, str) and PROFILE.fullmatch(name):
        return name
    raise ConfigError(
        "is not a profile's name", place=place, remedy="Use letters, digits, '_', '.' and '-', at most 64."
    )


def _file_layers(
    code: Hidden[Mapping[str, object]] | None, named: str | None, environ: Hidden[Mapping[str, str]], home: str | None
) -> Iterator[Layer | None]:
    named = named or environ.value.get(f"{PREFIX}CONFIG", "").strip() or None
    if named:
        yield _file_layer(named, must_exist=True)
    elif code is None and not environ.value.get(f"{PREFIX}NO_PROJECT", "").strip():
        for path in _project_files(home):
            layer = _file_layer(path, project=True)
            yield layer
            if layer:
                break
    user_file = _user_file(environ, home)
    for path in filter(None, (user_file, SITE_FILE if os.name == "posix" else None)):
        yield _file_layer(path)


def _file_layer(path: str, *, must_exist: bool = False, project: bool = False) -> Layer | None:
    content = _read.read(path)
    if isinstance(content, _read.Missing) and not must_exist:
        return None
    if not isinstance(content, _read.Content):
        raise ConfigError(
            content.reason,
            place=printable(path),
            remedy=content.remedy if isinstance(content, Problem) else "Create the file, or mend its name.",
        )
    if project and b"lamini_creds" not in content.data:
        return None
    from lamini_creds import _layers

    return _layers.from_toml(content, path, project=project)


def _user_file(environ: Hidden[Mapping[str, str]], home: str | None) -> str | None:
    if sys.platform == "win32":
        base = environ.value.get("APPDATA", "")
    else:
        base = environ.value.get("XDG_CONFIG_HOME", "")
        if not os.path.isabs(base):
            base = os.path.join(home, ".config") if home else ""
    return os.path.join(base, "lamini_creds", "config.toml") if os.path.isabs(base) else None


def _project_files(home: str | None) -> Iterator[str]:
    """
    Give the pyproject.toml files from the working directory upwards.

    The search ends at a repository's root, the home directory or a mount
    point, and passes over directories that other users can write to.
    """
    try:
        directory = os.getcwd()
    except OSError:
        return
    while True:
        path = os.path.join(directory, "pyproject.toml")
        if os.path.lexists(path) and not _others_write(directory):
            yield path
        ends = directory == home or os.path.ismount(directory) or os.path.lexists(os.path.join(directory, ".git"))
        parent = os.path.dirname(directory)
        if ends or parent == directory:
            return
        directory = parent


def _others_write(directory: str) -> bool:
    if sys.platform == "win32":
        return False
    seen = os.stat(directory)
    return bool(seen.st_mode & (stat.S_IWGRP | stat.S_IWOTH)) or seen.st_uid not in (0, os.geteuid())
