"""Make one layer of the configuration out of TOML, a mapping or variables, and check it by itself."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from lamini_creds import _url
from lamini_creds._config import PREFIX, check_profile
from lamini_creds._credential import Hidden
from lamini_creds._options import TopLevel, check_names, convert, option_types
from lamini_creds._outcome import Problem
from lamini_creds._settings import DEFAULT_ORDER, Layer, Section, Setting
from lamini_creds._text import did_you_mean, printable
from lamini_creds.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from lamini_creds._read import Content

LABEL = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*(:[A-Za-z0-9][A-Za-z0-9_-]*)?")
_OVERLAID = ("providers", "continue_on")
_ELSEWHERE = ("CONFIG", "NO_PROJECT")


def from_code(settings: Hidden[Mapping[str, object]]) -> Layer:
    """Take the settings that were given in Python."""
    return _layer(settings, "code", "")


def from_toml(content: Content, path: str, *, project: bool) -> Layer | None:
    """
    Take a file's settings: its table `tool.lamini_creds`, or the whole of a file of our own.

    Returns:
        The layer, or None for a pyproject.toml without our table.
    """
    source = printable(path)
    parsed = _parse(content)
    if isinstance(parsed, Problem):
        raise ConfigError(parsed.reason, place=source, remedy=parsed.remedy)
    tool = parsed.value.get("tool")
    ours = Hidden(tool.get("lamini_creds") if isinstance(tool, Mapping) else None)
    if ours.value is not None:
        return _layer(ours, source, "tool.lamini_creds", project=project)
    if project or path.endswith("pyproject.toml"):
        return None
    return _layer(parsed, source, "")


def from_environ(environ: Hidden[Mapping[str, str]], variables: Iterable[str], labels: Iterable[str]) -> Layer:
    """Take LAMINI_CREDS_OPTION and LAMINI_CREDS__ENTRY__OPTION."""
    section = Section({}, {})
    for variable in variables:
        name = variable.removeprefix(PREFIX)
        setting = Setting(environ.value[variable], variable, text=True)
        if name.startswith("_"):
            label, option = _entry_option(variable, labels)
            section.entries.setdefault(label, {})[option] = setting
        elif name not in _ELSEWHERE:
            option = "default_profile" if name == "PROFILE" else name.lower()
            if option not in option_types(TopLevel):
                known = (f"{PREFIX}{option.upper()}" for option in (*option_types(TopLevel), "profile", *_ELSEWHERE))
                raise ConfigError("is no setting", place=printable(variable), remedy=did_you_mean(variable, known))
            section.top[option] = setting
    return Layer("the environment", _typed(section), {})


def check_labels(layers: Iterable[Layer]) -> None:
    """Refuse a table for an entry that no order names."""
    layers = list(layers)
    ordered = set(DEFAULT_ORDER)
    for layer in layers:
        for section in layer.sections(None):
            if "providers" in section.top:
                ordered.update(_list(section.top["providers"].value))
    for layer in layers:
        for section in layer.sections(None):
            for label, options in section.entries.items():
                if label not in ordered and options:
                    option, setting = next(iter(options.items()))
                    raise ConfigError(
                        f"there is no entry '{printable(label)}' in the chain",
                        place=setting.place(option),
                        remedy=f"Name it in `providers`; {did_you_mean(label, ordered)}",
                    )


def _parse(content: Content) -> Hidden[dict[str, object]] | Problem:
    try:
        return Hidden(tomllib.loads(content.data.decode("utf-8-sig")))
    except UnicodeDecodeError:
        return Problem("is not UTF-8 text", "Save it as UTF-8.")
    except RecursionError:
        return Problem("is nested too deeply")
    except ValueError as error:
        found = re.search(r"at line (\d+), column (\d+)", str(error))
        where = f"line {found[1]}, column {found[2]}: " if found else ""
        return Problem(f"{where}this is not TOML", "Mend the line.")


def _layer(settings: Hidden[Any], source: str, table: str, *, project: bool = False) -> Layer:
    overlays: dict[str, Section] = {}
    base = _section(settings, source, table)
    profiles = Hidden(settings.value.get("profile") if isinstance(settings.value, Mapping) else None)
    if isinstance(profiles.value, Mapping):
        for name in profiles.value:
            inner = _join(table, "profile", name)
            check_profile(name, f"{source}: [{printable(inner)}]")
            overlays[name] = _section(Hidden(profiles.value[name]), source, inner, overlay=True)
    return Layer(source, base, overlays, project)


def _section(settings: Hidden[Any], source: str, table: str, *, overlay: bool = False) -> Section:
    section = Section({}, {})
    for name in _table(settings, f"{source}: [{table}]" if table else source):
        setting = Setting(settings.value[name], source, table)
        if name == "provider":
            _add_entries(section, setting, table)
        elif name != "profile" or overlay:
            section.top[name] = setting
        elif not isinstance(setting.value, Mapping):
            section.top["default_profile"] = setting
    known = _OVERLAID if overlay else option_types(TopLevel)
    what = f"[{table}]" if table else "the configuration"
    check_names(section.top, (*known, "provider", *(() if overlay else ("profile",))), what)
    return _typed(section)


def _add_entries(section: Section, tables: Setting, table: str) -> None:
    values: Hidden[Any] = Hidden(tables.value)
    for label in _table(values, tables.place("provider")):
        inner = _join(table, "provider", label)
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
        value = convert(option, setting, types[option])
        section.top[option] = setting.typed(value)
        _check_value(option, value, setting)
    return section


def _check_value(option: str, value: object, setting: Setting) -> None:
    place = setting.place(option)
    if option == "default_profile":
        check_profile(value, place)
    if option == "providers":
        labels = _list(value)
        for position, label in enumerate(labels):
            if not LABEL.fullmatch(label):
                raise ConfigError(f"item {position + 1} is not an entry's name", place=place, remedy=_LABEL_RULE)
            if label in labels[:position]:
                raise ConfigError(
                    f"names '{label}' twice", place=place, remedy=f"Tell the two apart by labels: '{label}:other'."
                )
    if option in ("allow_origins", "http"):
        for position, text in enumerate(_list(value)):
            if _url.origin(text) is None:
                raise ConfigError(
                    f"item {position + 1} is not an origin", place=place, remedy="Write scheme://host:port."
                )


def _entry_option(variable: str, labels: Iterable[str]) -> tuple[str, str]:
    """Take LAMINI_CREDS__ENTRY__OPTION apart; ':' and '-' of a label stand as '_' there."""
    entry, _, option = variable.removeprefix(f"{PREFIX}_").partition("__")
    meant = [label for label in sorted(labels) if re.sub("[:-]", "_", label).upper() == entry.upper()]
    if not option or not meant:
        known = (f"{PREFIX}_{re.sub('[:-]', '_', label).upper()}__{option or 'OPTION'}" for label in labels)
        raise ConfigError(
            "names no entry of the chain", place=printable(variable), remedy=did_you_mean(variable, known)
        )
    if len(meant) > 1:
        raise ConfigError(
            f"may mean each of {', '.join(meant)}", place=printable(variable), remedy="Rename one, or use a file."
        )
    return meant[0], option.lower()


def _list(value: object) -> list[str]:
    return value if isinstance(value, list) else []


def _join(*names: str) -> str:
    """Write a dotted name as TOML would: a part that is not bare is quoted."""
    return ".".join(name if re.fullmatch(r"[A-Za-z0-9_.-]+", name) else f'"{name}"' for name in names if name)
