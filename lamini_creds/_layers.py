"""Make one layer of the configuration out of TOML, a mapping or variables, and check it by itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from lamini_creds import _url
from lamini_creds._config import PREFIX, PROFILE, PROFILE_RULE, SEARCH, check_profile
from lamini_creds._credential import Hidden
from lamini_creds._options import TopLevel, check_names, convert, option_types
from lamini_creds._outcome import Problem
from lamini_creds._settings import DEFAULT_ORDER, Layer, Section, Setting, subtable
from lamini_creds._text import did_you_mean, printable
from lamini_creds.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lamini_creds._claim import Claim
    from lamini_creds._config import User
    from lamini_creds._read import Content

NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
LABEL = re.compile(rf"{NAME.pattern}(:[A-Za-z0-9][A-Za-z0-9_-]*)?")
_OVERLAID = ("providers", "continue_on")


def from_code(settings: Hidden[Mapping[str, object]]) -> Layer:
    """Take the settings that were given in Python."""
    return layer(settings, "code", "")


def from_toml(content: Content, path: str, *, user: User | None) -> Layer | None:
    """
    Take a file's settings: its table `tool.lamini_creds`, or the whole of a file of our own.

    Args:
        content: What the file holds.
        path: Where it is.
        user: Whose trust it needs, where it was found and not named: without that it is refused before
            anything in it counts.

    Returns:
        The layer, or None for a project's file without our table.
    """
    from lamini_creds import _toml, _trust

    source, ours = printable(path), _toml.our_table(content, path, project=user is not None)
    if ours is None:
        return None
    settings, table = ours
    if user is None:
        return layer(settings, source, table)

    @cache
    def claim() -> Claim:
        from lamini_creds._claim import Claim

        return Claim(settings, path, user.environ, user.home)

    trusted = _trust.judge_table(settings, claim, source, table)
    return layer(settings, source, table).replace(project=not trusted, claim=claim)


def from_environ(environ: Hidden[Mapping[str, str]], variables: Iterable[str], labels: Iterable[str]) -> Layer:
    """Take LAMINI_CREDS_OPTION and LAMINI_CREDS__ENTRY__OPTION."""
    settings = {name: Setting(environ.value[name], printable(name), text=True) for name in variables}
    of_entries = [name for name in settings if name.startswith(f"{PREFIX}_")]
    section = Section({_top_option(name): settings[name] for name in settings if name not in of_entries}, {})
    _typed(section)
    known = {*labels, *(_list(section.top["providers"].value) if "providers" in section.top else ())}
    for name in of_entries:
        label, option = _entry_option(name, known)
        options = section.entries.setdefault(label, {})
        if option in options:
            raise ConfigError(
                f"sets the same as {options[option].source}", place=printable(name), remedy="Unset one of them."
            )
        options[option] = settings[name]
    return Layer("the environment", section, {})


def check_labels(layers: Iterable[Layer]) -> None:
    """Refuse a table for an entry that no order names, and one for the call's own arguments."""
    sections = [section for layer in layers for section in layer.sections(None)]
    ordered = {*DEFAULT_ORDER} - {"explicit"}
    for section in sections:
        if "providers" in section.top:
            ordered.update(_list(section.top["providers"].value))
    for section in sections:
        for label, options in section.entries.items():
            if label not in ordered and options:
                option, setting = next(iter(options.items()))
                raise ConfigError(
                    f"there is no entry '{printable(label)}' in the chain",
                    place=setting.place(option),
                    remedy=f"Name it in `providers`; {did_you_mean(label, ordered)}",
                )


def layer(settings: Hidden[Any], source: str, table: str) -> Layer:
    """Take the settings of one table, checked by itself."""
    overlays: dict[str, Section] = {}
    base = _section(settings, source, table)
    profiles = Hidden(settings.value.get("profile") if isinstance(settings.value, Mapping) else None)
    if isinstance(profiles.value, Mapping):
        for name in profiles.value:
            inner = subtable(table, "profile", name)
            check_profile(name, f"{source}: [{printable(inner)}]")
            overlays[name] = _section(Hidden(profiles.value[name]), source, inner, overlay=True)
    return Layer(source, base, overlays)


def _section(settings: Hidden[Any], source: str, table: str, *, overlay: bool = False) -> Section:
    section = Section({}, {})
    place = f"{source}: [{table}]" if table else source
    for name in _table(settings, place):
        setting = Setting(settings.value[name], source, table)
        if name == "provider":
            _add_entries(section, setting, table)
        elif name != "profile" or overlay:
            section.top[name] = setting
        elif not isinstance(setting.value, Mapping):
            if "default_profile" in settings.value:
                raise ConfigError("sets both `profile` and `default_profile`", place=place, remedy="Keep one of them.")
            section.top["default_profile"] = Setting(setting.value, source, table, name="profile")
    known = _OVERLAID if overlay else option_types(TopLevel)
    what = f"[{table}]" if table else "the configuration"
    check_names(section.top, (*known, "provider", *(() if overlay else ("profile",))), what)
    return _typed(section)


def _add_entries(section: Section, tables: Setting, table: str) -> None:
    values: Hidden[Any] = Hidden(tables.value)
    for label in _table(values, tables.place("provider")):
        inner = subtable(table, "provider", label)
        place = f"{tables.source}: [{printable(inner)}]"
        if not LABEL.fullmatch(label):
            raise ConfigError("is not an entry's name", place=place, remedy=_LABEL_RULE)
        options = Hidden(values.value[label])
        section.entries[label] = {
            option: Setting(options.value[option], tables.source, inner) for option in _table(options, place)
        }


_LABEL_RULE = "A name is small letters, digits and single '-'; with a label it is name:label."


def _table(settings: Hidden[Any], place: str) -> list[str]:
    """Give a table's names, or refuse what is none."""
    if not isinstance(settings.value, Mapping):
        raise ConfigError("is not a table", place=place, remedy="Write it as a table of settings.")
    if not all(isinstance(name, str) for name in settings.value):
        raise ConfigError("has a name that is not text", place=place)
    return list(settings.value)


def _typed(section: Section) -> Section:
    """Read every top-level setting as its type, and check what types can't say."""
    types = option_types(TopLevel)
    for option, setting in section.top.items():
        typed = setting.typed(convert(option, setting, types[option]))
        problem = _misuse(option, typed)
        if problem:
            raise ConfigError(problem.reason, place=typed.place(option), remedy=problem.remedy)
        section.top[option] = typed
    return section


def _misuse(option: str, setting: Setting) -> Problem | None:
    """Say what is wrong with a value of the right type: this frame holds it bare and never raises."""
    if option == "default_profile" and not re.fullmatch(PROFILE, str(setting.value)):
        return Problem("is not a profile's name", PROFILE_RULE)
    for position, item in enumerate(_list(setting.value), start=1):
        if option == "providers" and not LABEL.fullmatch(item):
            return Problem(f"item {position} is not an entry's name", _LABEL_RULE)
        if option == "providers" and item.startswith("explicit:"):
            return Problem(f"item {position} labels 'explicit', which is what the call passes", "Take it out.")
        if option == "providers" and item in _list(setting.value)[: position - 1]:
            return Problem(f"names '{item}' twice", f"Tell the two apart by labels: '{item}:other'.")
        if option == "observers" and not NAME.fullmatch(item):
            return Problem(f"item {position} is not a plugin's name", "A name is small letters, digits and single '-'.")
        if option in ("allow_origins", "http") and not _is_origin(item):
            return Problem(f"item {position} is not an origin", "Write scheme://host:port, without a path.")
    return None


def _is_origin(text: str) -> bool:
    parsed = _url.parse(text)
    return not isinstance(parsed, Problem) and not parsed.path and _url.origin(text) is not None


def in_variables(label: str) -> str:
    """Write an entry's label as it stands in a variable's name."""
    return re.sub("[:-]", "_", label).upper()


def _top_option(variable: str) -> str:
    """Give the option that LAMINI_CREDS_OPTION sets; the profile's variable is the short one of its two names."""
    known = {f"{PREFIX}{option.upper()}": option for option in option_types(TopLevel) if option != "default_profile"}
    known[f"{PREFIX}PROFILE"] = "default_profile"
    if variable not in known:
        names = (*known, *(f"{PREFIX}{name}" for name in SEARCH))
        raise ConfigError("is no setting", place=printable(variable), remedy=did_you_mean(variable, names))
    return known[variable]


def _entry_option(variable: str, labels: Iterable[str]) -> tuple[str, str]:
    """Take LAMINI_CREDS__ENTRY__OPTION apart; ':' and '-' of a label stand as '_' there."""
    rest = variable.removeprefix(f"{PREFIX}_").upper()
    names = {label: in_variables(label) for label in sorted(labels) if label != "explicit"}
    meant = [label for label, name in names.items() if rest.startswith(f"{name}__") and rest != f"{name}__"]
    if not meant:
        entry, _, option = rest.partition("__")
        known = (f"{PREFIX}_{name}__{option or 'OPTION'}" for name in names.values())
        remedy = did_you_mean(variable, known)
        if entry not in (*names.values(), "EXPLICIT"):
            remedy = f"Name the entry in `providers`; {remedy}"
        raise ConfigError("names no option of an entry of the chain", place=printable(variable), remedy=remedy)
    if len(meant) > 1:
        raise ConfigError(
            f"may mean each of {', '.join(meant)}", place=printable(variable), remedy="Rename one, or use a file."
        )
    return meant[0], rest.removeprefix(f"{names[meant[0]]}__").lower()


def _list(value: object) -> list[str]:
    return value if isinstance(value, list) else []
