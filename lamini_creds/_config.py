"""Read the configuration's layers: code, environment, project file, the user's file, the site's."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

from lamini_creds import _read
from lamini_creds._credential import Hidden
from lamini_creds._outcome import Problem
from lamini_creds._settings import DEFAULT_ORDER, Settings
from lamini_creds._text import printable
from lamini_creds._value import Value
from lamini_creds.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from lamini_creds._settings import Layer

PREFIX = "LAMINI_CREDS_"
PROFILE = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"
PROFILE_RULE = "Use letters, digits, '_', '.' and '-', at most 64, a letter or digit first."
SEARCH = ("CONFIG", "NO_PROJECT")
SITE_FILE = "/etc/lamini_creds.toml"
_OURS = (b"lamini_creds", b"tool.lamini-creds")


class User(Value):
    """Whose configuration it is: the environment and the home directory, which say where trust is kept."""

    environ: Hidden[Mapping[str, str]]
    home: str | None


def read(
    code: Hidden[Mapping[str, object]] | None,
    named: str | None,
    environ: Hidden[Mapping[str, str]],
    home: str | None,
    *,
    search: bool = True,
) -> Settings:
    """
    Read and merge all layers; what is not there costs a stat.

    Args:
        code: Settings given in Python: no project file is searched then.
        named: A file given in Python, in the project file's place.
        environ: The environment.
        home: The home directory, if there is one.
        search: Look for a project's file too.

    Raises:
        ConfigError: A layer is malformed or sets what does not exist.
        UntrustedConfigError: A project file sets what only a trusted file may.
    """
    search = search and code is None and not _no_project(environ)
    layers = [
        layer for layer in _file_layers(named or _named_file(environ, home), environ, home, search=search) if layer
    ]
    variables = sorted(_settings_in(environ))
    if not (layers or variables or code):
        return Settings()
    from lamini_creds import _layers

    if code:
        layers.insert(0, _layers.from_code(code))
    labels = set(DEFAULT_ORDER).union(*(layer.labels() for layer in layers))
    from_environ = _layers.from_environ(environ, variables, labels)
    layers.insert(1 if code else 0, from_environ)
    _layers.check_labels(layers)
    for position, layer in enumerate(layers):
        overruled = any("providers" in nearer.base.top for nearer in layers[:position])
        if layer.project and not overruled:
            from lamini_creds import _trust

            trusted = _trust.judge(layer, Settings(tuple(other for other in layers if not other.project)))
            layers[position] = layer.replace(project=not trusted)
    return Settings(tuple(layers))


def check_profile(name: object, place: str) -> str:
    """Give a profile's name back if it is one."""
    if isinstance(name, str) and re.fullmatch(PROFILE, name):
        return name
    raise ConfigError("is not a profile's name", place=place, remedy=PROFILE_RULE)


def _settings_in(environ: Hidden[Mapping[str, str]]) -> Iterator[str]:
    """Give the variables that set something; a blank one is absent."""
    elsewhere = tuple(PREFIX + name for name in SEARCH)
    for name in environ.value:
        if name.startswith(PREFIX) and name not in elsewhere and environ.value[name].strip():
            yield name


def _file_layers(
    named: str | None, environ: Hidden[Mapping[str, str]], home: str | None, *, search: bool
) -> Iterator[Layer | None]:
    if named:
        yield _file_layer(named, must_exist=True)
    elif search:
        for path in _project_files(home):
            layer = _file_layer(path, user=User(environ, home))
            yield layer
            if layer:
                break
    user_file = _user_file(environ, home)
    for path in filter(None, (user_file, SITE_FILE if os.name == "posix" else None)):
        yield _file_layer(path)


def _file_layer(path: str, *, must_exist: bool = False, user: User | None = None) -> Layer | None:
    content = file_content(path, must_exist=must_exist, project=user is not None)
    if content is None:
        return None
    from lamini_creds import _layers

    return _layers.from_toml(content, path, user=user)


def file_content(path: str, *, must_exist: bool = False, project: bool = False) -> _read.Content | None:
    """
    Read a file of settings; None where it is not there, or is a project's that does not mention us.

    A project's file is judged by its content, and one that must exist was named by the user; any other is believed,
    and so nobody else may have written it.
    """
    content = _read.read(path)
    if isinstance(content, _read.Missing) and not must_exist:
        return None
    if not isinstance(content, _read.Content):
        raise ConfigError(
            content.reason,
            place=printable(path),
            remedy=content.remedy if isinstance(content, Problem) else "Create the file, or mend its name.",
        )
    if content.writable and not (project or must_exist):
        remedy = f"Run: {_read.mending(content.writable, printable(path), 'go-w')}"
        raise ConfigError(f"holds settings and {content.writable}", place=printable(path), remedy=remedy)
    return None if project and not any(name in content.data for name in _OURS) else content


def _named_file(environ: Hidden[Mapping[str, str]], home: str | None) -> str | None:
    """Give the file that LAMINI_CREDS_CONFIG names: the user's own word, and so trusted."""
    named = Hidden(environ.value.get(f"{PREFIX}CONFIG", "").strip())
    if named.value.startswith("~/") and home:
        return os.path.join(home, named.value[2:])
    if named.value and not os.path.isabs(named.value) and not named.value.endswith(".toml"):
        raise ConfigError(
            "names neither a path from the root nor a .toml file", place=f"{PREFIX}CONFIG", remedy=_read.ABSOLUTE
        )
    try:
        return os.path.abspath(named.value) if named.value else None
    except OSError:
        reason = "is not an absolute path, and there is no working directory"
    raise ConfigError(reason, place=f"{PREFIX}CONFIG", remedy=_read.ABSOLUTE)


def _no_project(environ: Hidden[Mapping[str, str]]) -> bool:
    value = Hidden(environ.value.get(f"{PREFIX}NO_PROJECT", "").strip())
    if value.value not in ("", "0", "1"):
        raise ConfigError("is neither 0 nor 1", place=f"{PREFIX}NO_PROJECT", remedy="Set it to 1, or unset it.")
    return value.value == "1"


def _user_file(environ: Hidden[Mapping[str, str]], home: str | None) -> str | None:
    directory = _own_directory(environ, home, "XDG_CONFIG_HOME", ".config", on_windows="APPDATA")
    return directory and os.path.join(directory, "config.toml")


def _own_directory(
    environ: Hidden[Mapping[str, str]], home: str | None, variable: str, default: str, *, on_windows: str
) -> str | None:
    """Give our directory in the one that a variable names, by default in one below the home directory."""
    windows = sys.platform == "win32"
    base = environ.value.get(on_windows if windows else variable, "")
    if not os.path.isabs(base) and home and not windows:
        base = os.path.join(home, default)
    return os.path.join(base, "lamini_creds") if os.path.isabs(base) else None


def _project_files(home: str | None) -> Iterator[str]:
    """
    Give the pyproject.toml files from the working directory upwards.

    The search ends at a repository's root, the home directory or a mount
    point, and passes over directories that other users can write to.
    """
    home = home and os.path.realpath(home)
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
    try:
        return bool(_read.writable(os.stat(directory)))
    except OSError:
        return True
