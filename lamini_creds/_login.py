"""Store a key in the user's own YAML file, and take it out again."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from lamini_creds import _config, _homefile, _yamlfile
from lamini_creds._credential import Hidden
from lamini_creds._outcome import Problem
from lamini_creds._resolver import Resolver
from lamini_creds._setup import home_directory
from lamini_creds._text import printable
from lamini_creds.errors import ConfigError, CredentialError, CredentialWarning

if TYPE_CHECKING:
    from collections.abc import Callable

    from lamini_creds._credential import Credential
    from lamini_creds._outcome import Resolution


_PATIENCE = 60.0  # a person waits, and may log in


class Stored(NamedTuple):
    """
    What was stored.

    Attributes:
        path: The file that holds the key now.
        credential: The key and the URL it belongs to.
        notes: What works but should be mended.
    """

    path: str
    credential: Credential
    notes: tuple[str, ...]


def login(*, profile: str | None = None, url: str | None = None, provider: str | None = None) -> str:
    """
    Ask for a key, hidden while it is typed, and store it in the home directory; in a notebook too.

    It is written to `~/.powerml/configure_llama.yaml`, or to the file of
    Lamini's where the profile already stands, and is found from then on.

    Args:
        profile: The profile; the ambient one by default.
        url: The URL that the key belongs to; without one, what is stored there stays, or the default holds.
        provider: Copy the key that this provider finds, and ask nobody.

    Returns:
        The file that holds the key now.

    Raises:
        CredentialError: The key can't be used, or the file can't be written; nothing has changed then.
    """
    import warnings

    resolver, given = resolver_for(provider), Hidden(url)
    url = None  # what is raised from here on does not show what may be a misplaced key
    name = profile_of(resolver, profile)
    if provider is None:
        stored = store(resolver, ask(resolver, name), given, name)
    else:
        copied = copy(resolver, given, name)
        stored = store(resolver, Hidden(copied.key), url_of(copied), name)
    for note in (*stored.notes, *afterwards(stored.path, name)):
        warnings.warn(note, CredentialWarning, stacklevel=2)
    return stored.path


def resolver_for(provider: str | None) -> Resolver:
    """Give the user's resolver, or one like it whose chain is the provider to copy from, with time to log in there."""
    if provider is None:
        return Resolver()
    from lamini_creds._layers import LABEL, in_variables

    if provider == "explicit" or not LABEL.fullmatch(provider):
        raise ConfigError("what to copy from is not a provider's name", remedy="See: lamini-creds providers")
    patient = {"PROVIDERS": provider, "DEADLINE": _PATIENCE, f"_{in_variables(provider)}__TIMEOUT": _PATIENCE}
    set_here = {f"{_config.PREFIX}{name}": str(value) for name, value in patient.items()}
    home = home_directory(Hidden(os.environ), own=True)
    return Resolver(environ=os.environ | set_here, home=Path(home) if home else None)


def profile_of(resolver: Resolver, profile: str | None) -> str:
    """Give the profile's name: the one asked for, if it is a name, or the ambient one."""
    return resolver._setup.ambient_profile() if profile is None else _config.check_profile(profile, "profile=")


def ask(resolver: Resolver, profile: str) -> Hidden[str]:
    """Ask for a key, which is not shown; where it would be, or could not be stored, nobody is asked."""
    import getpass
    import warnings

    _homefile.choose(resolver, profile)  # what can't be read is told before anybody types
    with warnings.catch_warnings():
        warnings.simplefilter("error", getpass.GetPassWarning)
        try:
            return Hidden(getpass.getpass(f"Key for the profile {profile} (it is not shown): "))
        except EOFError:
            reason = "the input ended before a key was given"
            if sys.stderr and sys.stderr.isatty():
                sys.stderr.write("\n")  # the prompt's line is not ended yet
        except (getpass.GetPassWarning, RuntimeError):  # a notebook's front end may take no input
            reason = "there is no terminal to ask for the key"
    raise CredentialError(
        reason,
        remedy="Give the key on the standard input: lamini-creds login --stdin",
    )


def copy(resolver: Resolver, url: Hidden[str | None], profile: str) -> Credential:
    """Give the credential that a resolver finds, with the URL that was given."""
    return _found(resolver.explain(url=url.value, profile=profile))


def url_of(credential: Credential) -> Hidden[str | None]:
    """Give the URL to be stored with a key: none where it is the profile's own default."""
    return Hidden(None if credential.url_source == "default" else credential.url)


def store(
    resolver: Resolver,
    key: Hidden[str],
    url: Hidden[str | None],
    profile: str,
    check: Callable[[Credential], object] | None = None,
) -> Stored:
    """
    Validate a key as the chain would, and store it.

    Args:
        resolver: Says where, and by which rules.
        key: The key as it was given.
        url: The URL that was given; without one, what is stored there stays, and where there is none, the URL that
            the key would go to now is stored with it, unless it is the profile's default.
        profile: The profile's name.
        check: Looks at the pair before it is stored; what it raises stops that.

    Raises:
        CredentialError: The key or its URL can't be used, or the file can't be written.
    """
    if not key.value.strip():
        raise CredentialError("no key was given", remedy="Paste it (nothing is shown) and press Enter, or pipe it in.")
    path = _homefile.choose(resolver, profile)
    pair = _homefile.fields(path, profile)[1] if url.value is None else url
    asked = resolver if pair.value else _without(resolver, path)
    resolution = asked.explain(key=key.value, url=pair.value, profile=profile)
    credential = _found(resolution, "" if pair is url else printable(path))
    if check:
        check(credential)
    given = url_of(credential).value if pair.value is None or pair is url else None

    def edit(data: bytes) -> Hidden[bytes] | Problem:
        before = _yamlfile.fields(data, profile)
        if pair is not url and not isinstance(before, Problem) and before[1].value != pair.value:
            return Problem("its URL was changed meanwhile, and the key was not given for that one", "Log in again.")
        return _yamlfile.with_key(data, profile, Hidden(credential.key), given)

    _homefile.check_directory(path)
    _homefile.change(path, edit)
    return Stored(path, credential, resolution.warnings)


def logout(resolver: Resolver, profile: str) -> list[str]:
    """
    Take the key of a profile out of every file of the home directory that holds one; URL and comments stay.

    Args:
        resolver: Says where.
        profile: The profile's name.

    Returns:
        The files that held one.
    """
    held = [path for path in _homefile.files(resolver) if _homefile.fields(path, profile)[0].value]
    for path in held:
        _homefile.change(path, lambda data: _yamlfile.without_key(data, profile))
    return held


def afterwards(path: str | None, profile: str) -> list[str]:
    """
    Tell what a program gets from now on, where that is not the key of this file.

    Args:
        path: The file; None where no key is expected.
        profile: The profile's name.
    """
    resolution = Resolver().explain(profile=profile)
    found, error = resolution.credential, resolution.error
    if path is not None and error is not None:
        return [f"the key is stored, and yet the profile '{profile}' gives none: {error}"]
    if found is None or (path is not None and found.source == printable(path)):
        return []
    still = "comes first: that key is used" if path is not None else "still gives a key"
    return [f"{found.provider}: {found.source} {still} for the profile '{profile}'\nSee: lamini-creds explain --all"]


def _without(resolver: Resolver, path: str) -> Resolver:
    """Give a resolver that does not read a file which has no URL: the chain would refuse one that is empty."""
    setup, places = resolver._setup, _homefile.files(resolver)
    others = tuple(name for name, place in zip(setup._service.files, places, strict=True) if place != path)
    service = setup._service.replace(files=others)
    return Resolver(service=service, environ=setup._environ.value, home=Path(setup._home) if setup._home else None)


def _found(resolution: Resolution, place: str = "") -> Credential:
    """Give the credential, or raise why there is none: what was passed needs no place."""
    if resolution.credential is not None:
        return resolution.credential
    error = resolution.error or CredentialError("nothing was found")
    error.place = error.place.removeprefix("explicit: ")
    if error.place == "explicit":
        error.place = place if error.reason.startswith("the URL") else ""
    raise error
