"""
Find every mistake of a configuration, where the loader stops at the first.

Each setting is read as a layer of its own by the loader's own functions, so
that one mistake hides no other; what is left is loaded entry by entry. The
loader itself has the last word.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from lamini_creds import _config, _layers, _options, _toml, _trust
from lamini_creds._claim import Claim
from lamini_creds._config import User
from lamini_creds._credential import Hidden
from lamini_creds._link import ENTRY_KEYS, _Unloadable
from lamini_creds._outcome import Outcome
from lamini_creds._service import LAMINI
from lamini_creds._settings import DEFAULT_ORDER, Settings
from lamini_creds._setup import Setup
from lamini_creds._text import printable
from lamini_creds.errors import CredentialError, ProviderUnsupported

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lamini_creds._link import Link
    from lamini_creds._settings import Layer

_ANY_OTHER = "any-profile-without-an-overlay"

Environ = Hidden[Mapping[str, str]]


class _Found:
    """The mistakes so far; the same one met in two profiles is one."""

    def __init__(self) -> None:
        self.errors: dict[str, CredentialError] = {}

    @contextmanager
    def noting(self, place: str = "") -> Iterator[None]:
        """Note what is raised inside, under a place for what names none."""
        try:
            yield
        except CredentialError as error:
            error.place = error.place or place
            self.errors.setdefault(str(error), error)


class _Valid(Setup):
    """A set-up of what is left of a configuration without its mistakes."""

    def __init__(self, settings: Settings, environ: Environ, home: str | None) -> None:
        super().__init__(None, None, environ, home, LAMINI, lambda _: None)
        self._settings = settings


def find(setup: Setup, environ: Environ, home: str | None) -> list[CredentialError]:
    """
    Find every mistake in the layers, in the chains of all profiles and in the observers' names.

    Args:
        setup: The loader, which has read nothing yet.
        environ: The environment variables.
        home: The home directory, or None.
    """
    found = _Found()
    settings = _settings(found, environ, home)
    valid = _Valid(settings, environ, home)
    for profile in dict.fromkeys((_ANY_OTHER, *(name for layer in settings.layers for name in layer.overlays))):
        chain = valid.chain(profile)
        for link in dict.fromkeys((*chain.links, *chain.url_links)):
            _try_link(found, valid, profile, link)
    observers = settings.find("observers", "")
    for name in observers.value if observers and isinstance(observers.value, list) else ():
        with found.noting(observers.place("observers") if observers else ""):
            valid.registry.observer(name)
    with found.noting():
        setup.ambient_profile()
    return list(found.errors.values())


def _settings(found: _Found, environ: Environ, home: str | None) -> Settings:
    """Read all layers setting by setting, and leave out what is wrong or not trusted."""
    files = list(_file_pieces(found, User(environ, home)))
    labels = set(DEFAULT_ORDER).union(*(piece.labels() for piece in files))
    pieces: list[Layer] = []
    for variable in sorted(_config._settings_in(environ)):
        with found.noting():
            pieces.append(_layers.from_environ(environ, [variable], labels.union(*(p.labels() for p in pieces))))
    pieces += files
    orders = [piece for piece in pieces if any("providers" in section.top for section in piece.sections(None))]
    trusted = Settings(tuple(piece for piece in pieces if not piece.project))
    kept: list[Layer] = []
    for position, piece in enumerate(pieces):
        overruled = any("providers" in nearer.base.top for nearer in pieces[:position])
        with found.noting():
            _layers.check_labels([*orders, piece])
            if piece.project and not overruled:
                _trust.judge(piece, trusted)
            kept.append(piece)
    return Settings(tuple(kept))


def _file_pieces(found: _Found, user: User) -> Iterator[Layer]:
    """Read the files that the loader would read, in its order."""
    named, search = None, False
    with found.noting():
        named = _config._named_file(user.environ, user.home)
        search = named is None and not _config._no_project(user.environ)
    if named:
        yield from _pieces(found, named, must_exist=True) or ()
    for path in _config._project_files(user.home) if search else ():
        pieces = _pieces(found, path, user=user)
        if pieces is not None:
            yield from pieces
            break
    for path in filter(None, (_config._user_file(user.environ, user.home), _config.SITE_FILE)):
        yield from _pieces(found, path) or ()


def _pieces(found: _Found, path: str, *, must_exist: bool = False, user: User | None = None) -> list[Layer] | None:
    """Give a layer for each setting of a file, overlays first; None where the file is not there or not ours."""
    pieces: list[Layer] = []
    with found.noting():
        content = _config.file_content(path, must_exist=must_exist, project=user is not None)
        ours = None if content is None else _toml.our_table(content, path, project=user is not None)
        if ours is None:
            return None
        settings, table = ours
        claim = Claim(settings, path, user.environ, user.home) if user else None
        for fragment in _fragments(settings.value):
            with found.noting():
                pieces.append(_piece(Hidden(fragment), path, table, claim))
    return sorted(pieces, key=lambda piece: not piece.overlays)


def _piece(settings: Hidden[object], path: str, table: str, claim: Claim | None) -> Layer:
    """Take one setting of a file; of a project's that is trusted, each counts as trusted."""
    source, project = printable(path), claim is not None and claim.standing != "trusted"
    if claim and project:
        _trust.judge_table(settings, lambda: claim, source, table)
    return _layers.layer(settings, source, table).replace(project=project, claim=(lambda: claim) if claim else None)


def _fragments(settings: object) -> Iterator[object]:
    """Split a table into tables of one setting each; what is none stays as it is."""
    if not isinstance(settings, Mapping):
        yield settings
        return
    for name, value in settings.items():
        if name == "provider" and isinstance(value, Mapping):
            for label, options in value.items():
                for option in _split(options):
                    yield {name: {label: option}}
        elif name == "profile" and isinstance(value, Mapping):
            for profile, overlay in value.items():
                yield from ({name: {profile: part}} for part in _fragments(overlay))
        else:
            yield {name: value}


def _split(options: object) -> Iterator[object]:
    if isinstance(options, Mapping) and options:
        yield from ({option: value} for option, value in options.items())
    else:
        yield options


def _try_link(found: _Found, setup: Setup, profile: str, link: Link) -> None:
    """Load an entry as the chain would; where that fails, look at each of its options."""
    order = setup.settings.find("providers", profile)
    place = order.place("providers") if order else ""
    for entry in link.loaded():
        if not isinstance(entry.provider, _Unloadable):
            continue
        try:
            entry.provider.provide(setup.context(profile))
        except CredentialError as error:
            if isinstance(error, ProviderUnsupported) and Outcome.UNSUPPORTED in entry.continue_on:
                continue
            _try_options(found, setup, profile, link)
            with found.noting(place):
                raise


def _try_options(found: _Found, setup: Setup, profile: str, link: Link) -> None:
    given = setup.settings.entry(link.label, profile)
    chosen = given.get("distribution")
    own: dict[str, Any] | None
    try:
        distribution = chosen.value if chosen and isinstance(chosen.value, str) else None
        own = _options.option_types(setup.registry.provider(link.name, distribution))
    except Exception:  # noqa: BLE001  # the entry itself has told what its plugin raises
        own = None
    shared = _options.option_types(_options.EntryOptions)
    for option, setting in given.items():
        types = shared if option in ENTRY_KEYS else own
        if types is not None:
            with found.noting():
                _options.check_names({option: setting}, types, link.label)
                _options.convert(option, setting, types[option])
