"""What a support ticket has to say of the machine: versions, names of variables, files with their modes, the clock."""

from __future__ import annotations

import os
import platform
import re
import stat
import sys
from shlex import quote
from time import time
from typing import TYPE_CHECKING, NamedTuple

import lamini_creds
from lamini_creds import _config
from lamini_creds._plugins import installed
from lamini_creds._service import LAMINI

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from lamini_creds._credential import Hidden
    from lamini_creds._plugins import Offer
    from lamini_creds._settings import Settings

_NEEDED = ("click", "msgspec", "pluggy", "PyYAML", "rich")
_OURS = re.compile(r"(LAMINI|LLAMA|POWERML)_", re.IGNORECASE)
_SET_THE_CLOCK = {
    "linux": "sudo timedatectl set-ntp true",
    "darwin": "sudo sntp -sS time.apple.com",
    "win32": "w32tm /resync",
}


class Finding(NamedTuple):
    """
    One thing that should be mended.

    Attributes:
        what: What is wrong, with its place.
        remedy: What to do about it, in words.
        command: The command that mends it, or that shows whether it is mended.
    """

    what: str
    remedy: str
    command: str


class File(NamedTuple):
    """
    A file that matters, or its directory.

    Attributes:
        path: Where it is.
        holds: What for.
        mode: Who may do what with it, as `ls -l` says; empty where it is not there.
        owner: Whose it is.
    """

    path: str
    holds: str
    mode: str
    owner: str


def versions() -> dict[str, str]:
    """Give the versions of Python, of this package, of what it needs, of each plugin and of what that needs."""
    found = {
        "lamini-creds": version("lamini-creds"),
        "Python": f"{platform.python_version()}, {platform.python_implementation()}",
        "platform": platform.platform(),
    }
    found |= {name: version(name) for name in _NEEDED}
    for offer in installed():
        found[offer.distribution] = offer.version
        found |= {name: version(name) for name in _needs(offer) if name not in found}
    return found


def version(distribution: str) -> str:
    """Give the version of a distribution; one that is run from its sources alone has none."""
    from importlib import metadata

    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return "(not installed)"


def variables(environ: Hidden[Mapping[str, str]]) -> list[str]:
    """Give the names of our variables that are set."""
    return sorted(name for name, value in environ.value.items() if _OURS.match(name) and value.strip())


def files(settings: Settings | None, environ: Hidden[Mapping[str, str]], home: str | None) -> list[File]:
    """Give the files that hold keys, settings or trust, those that are not there too, and whose directory is whose."""
    found: dict[str, str] = {}
    for path, holds in _places(settings, environ, home):
        if os.path.isdir(os.path.dirname(path)):
            found.setdefault(os.path.dirname(path), "directory")
        found[path] = holds
    for variable in (LAMINI.key_variable, LAMINI.url_variable):
        path = environ.value.get(f"{variable}_FILE", "").strip()
        if os.path.isabs(path):
            found.setdefault(path, "key")
    return [_file(path, holds) for path, holds in found.items()]


def exposed(seen: Iterable[File]) -> Iterator[Finding]:
    """Tell of each file or directory that others may change; who may read a key, the chain itself tells."""
    for file in seen:
        if sys.platform == "win32" or not file.mode:
            continue
        path = quote(file.path)
        if file.owner not in ("you", "root"):
            yield Finding(f"{file.path} belongs to another user", "", f'chown "$(id -u)" {path}')
        elif file.holds != "key" and _config._others_write(file.path):
            directory = file.holds == "directory"
            what = "other users may put files there" if directory else f"other users may change the {file.holds} there"
            yield Finding(f"{file.path}: {what}", "", f"chmod go-w {path}")


def clock() -> Iterator[Finding]:
    """Tell of a clock that is slow: certificates and expiry dates are judged by it."""
    installed_at = os.stat(lamini_creds.__file__).st_mtime
    if time() < installed_at:
        command = _SET_THE_CLOCK.get(sys.platform, "date -u")
        yield Finding("the clock is slow: this package was installed later than it shows", "Set the clock.", command)


def _needs(offer: Offer) -> list[str]:
    """Give the distributions that a plugin always needs; somebody's broken metadata is no reason to fail."""
    try:
        requires = (offer.entry_point.dist and offer.entry_point.dist.requires) or []
    except Exception:  # noqa: BLE001  # the parsers of metadata raise whatever they like
        return []
    return [re.split(r"[^\w.-]", text)[0] for text in requires if ";" not in text]


def _places(
    settings: Settings | None, environ: Hidden[Mapping[str, str]], home: str | None
) -> Iterator[tuple[str, str]]:
    from lamini_creds import _truststore

    for name in LAMINI.files if home else ():
        yield os.path.join(home or "", name), "key"
    ours = (layer.source for layer in settings.layers) if settings else ()
    for path in filter(None, (_config._user_file(environ, home), _config.SITE_FILE, *ours)):
        if os.path.isabs(path):
            yield path, "settings"
    store = _truststore.find(environ, home)
    if store:
        yield store.path, "trust"


def _file(path: str, holds: str) -> File:
    try:
        seen = os.stat(path)
    except (OSError, ValueError):
        return File(path, holds, "", "")
    owner = "you" if sys.platform == "win32" or seen.st_uid == os.geteuid() else f"user {seen.st_uid}"
    return File(path, holds, stat.filemode(seen.st_mode), "root" if seen.st_uid == 0 and owner != "you" else owner)
