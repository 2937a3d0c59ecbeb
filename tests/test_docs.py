"""The pages against the code: nothing public is left out, nothing that is not there is described."""

from __future__ import annotations

import inspect
import os
import re
import tomllib
from dataclasses import fields
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

import lamini_creds
from lamini_creds import Event, Kind, Outcome, errors, hookspecs
from lamini_creds._config import PREFIX, SEARCH
from lamini_creds._options import TopLevel, option_types
from lamini_creds._url import _METADATA

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]


def reference(name: str) -> str:
    return (DOCS / "reference" / f"{name}.md").read_text()


def first_cells(text: str) -> list[str]:
    """Give the code in the first cell of each row of the tables."""
    return re.findall(r"^\| `([^`]+)`", text, re.MULTILINE)


def section(text: str, heading: str) -> str:
    """Give what stands under a heading, up to the next one."""
    return re.split(r"^## ", text.split(f"## {heading}\n", 1)[1], maxsplit=1, flags=re.MULTILINE)[0]


def blocks(text: str) -> list[str]:
    return re.findall(r"^```bash\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    """Every relative link of a page names a file that exists."""
    targets = re.findall(r"\]\((?!https?:)([^)#]+)(?:#[^)]*)?\)", page.read_text())

    assert [] == [target for target in targets if not (page.parent / target).exists()]


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda page: str(page.relative_to(DOCS)))
def test_every_page_can_be_reached(page: Path) -> None:
    """Every page is linked from another one."""
    linked = {
        (other.parent / target).resolve()
        for other in PAGES
        if other != page
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", other.read_text())
    }

    assert page.resolve() in linked


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_shown_files_are_the_files(page: Path) -> None:
    """A block under `<!-- file: PATH -->` is that file, to the letter."""
    shown = re.findall(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```\n", page.read_text(), re.DOTALL)

    assert [(DOCS / path).read_text() for path, _ in shown] == [text for _, text in shown]


def test_the_tutorial_shows_all_its_python() -> None:
    """Who types what the tutorial shows gets what it shows: nothing runs unseen."""
    assert "invisible-code-block: python" not in (DOCS / "tutorial.md").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_is_ours_is_installed_from_a_clone(page: Path) -> None:
    """No page tells to install one of our names from an index, where it may be somebody else's."""
    told = re.findall(r"pip install ([^`\n]*)", page.read_text())

    assert [] == [line for line in told if re.search(r"(?<![\w./-])lamini[-_]creds", line)]


def test_set_up_is_two_commands_of_one_line() -> None:
    """The README's first two blocks are one line each, as are the two with uv."""
    assert [1, 1, 2] == [len(block.splitlines()) for block in blocks((ROOT / "README.md").read_text())[:3]]


def test_ci_runs_the_command_of_the_readme() -> None:
    """The last line of .ci/run is the README's command for the tests."""
    assert blocks((ROOT / "README.md").read_text())[1].strip() == (ROOT / ".ci" / "run").read_text().splitlines()[-1]


def test_ci_can_be_run() -> None:
    """The script of .ci is executable."""
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def test_every_public_name_is_in_the_reference() -> None:
    """The page of the Python names lists what `__all__` does, and nothing else."""
    assert sorted(lamini_creds.__all__) == sorted(first_cells(reference("api")))


def test_every_variable_of_the_configuration_is_in_the_reference() -> None:
    """The page of the variables lists each LAMINI_CREDS_* variable, and nothing else."""
    listed = {name for name in first_cells(reference("environment")) if name.startswith(PREFIX)}
    names = {name.upper() for name in option_types(TopLevel)} - {"DEFAULT_PROFILE"} | {"PROFILE", *SEARCH}

    assert {f"{PREFIX}{name}" for name in names} | {f"{PREFIX}_ENTRY__OPTION"} == listed


def test_every_variable_of_a_directory_is_in_the_reference() -> None:
    """The page lists what says where the user's settings and the trust are kept."""
    code = "".join(path.read_text() for path in (ROOT / "lamini_creds").glob("_*.py"))

    assert {*re.findall(r'"(XDG_\w+|(?:LOCAL)?APPDATA)"', code)} <= {*first_cells(reference("environment"))}


def test_every_metadata_address_is_on_the_page_of_pairing() -> None:
    """What is refused whatever is configured is listed."""
    page = (DOCS / "explanation" / "pairing.md").read_text()

    assert [] == [host for host in _METADATA if not re.search(rf"(?<!\S)`?{re.escape(host.strip('[]'))}\b", page)]


@pytest.mark.parametrize("hook", [name for name in vars(hookspecs) if name.startswith("lamini_creds_")])
def test_every_hook_is_in_the_reference_with_its_signature(hook: str) -> None:
    """A heading of the page of the hooks is the hook's signature."""
    assert f"## `{hook}{inspect.signature(getattr(hookspecs, hook))}`".replace("'", "") in reference("hooks")


def test_every_kind_of_event_is_in_the_reference() -> None:
    """The table of the kinds lists each, in order, and nothing else."""
    assert [kind.value for kind in Kind] == first_cells(section(reference("hooks"), "Kinds of events"))


def test_every_field_of_an_event_is_in_the_reference() -> None:
    """The table of the fields lists each, in order, and nothing else."""
    assert [field.name for field in fields(Event)] == first_cells(section(reference("hooks"), "Fields of an event"))


def test_every_field_of_a_log_record_is_in_the_reference() -> None:
    """The page of the logger names each field of a record, and nothing else."""
    named = re.findall(r"`lamini_creds_(\w+)`", reference("logging"))

    assert [field.name for field in fields(Event)] == named


def test_every_outcome_is_in_the_reference() -> None:
    """The table of the outcomes lists each, and nothing else."""
    assert {outcome.value for outcome in Outcome} == set(first_cells(reference("outcomes")))


def test_every_error_is_in_the_reference() -> None:
    """The page of the errors lists each class; the warning stands below the table."""
    assert set(errors.__all__) - {"CredentialWarning"} == set(first_cells(reference("errors")))


def test_the_tree_of_errors_is_the_one_of_the_code() -> None:
    """The drawn tree is that of the module's docstring."""
    drawn = re.search(r"<!-- tree -->\n```text\n(.*?)```", reference("errors"), re.DOTALL)

    assert drawn is not None
    assert drawn[1] in inspect.cleandoc(errors.__doc__ or "").replace("\n    ", "\n")


def test_constraints_are_plain_pins() -> None:
    """Each line of constraints.txt is `name==version` and nothing more."""
    lines = (ROOT / "constraints.txt").read_text().splitlines()

    assert [] == [line for line in lines if not re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", line)]


def test_constraints_pin_everything_that_the_tests_need() -> None:
    """What the package and its extras depend on, and what that depends on in turn, is pinned."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [*project["dependencies"], *project["optional-dependencies"]["cli"]]
    names = required([*wanted, *project["optional-dependencies"]["test"]], set())
    pinned = {normal(line.split("==")[0]) for line in (ROOT / "constraints.txt").read_text().splitlines()}

    assert set() == names - pinned


def required(requirements: list[str], seen: set[str]) -> set[str]:
    """Collect the names that these requirements lead to on this platform."""
    for text in requirements:
        requirement = Requirement(text)
        name = normal(requirement.name)
        if name in seen or (requirement.marker and not requirement.marker.evaluate({"extra": ""})):
            continue
        try:
            below = distribution(name).requires or []
        except PackageNotFoundError:
            continue
        seen.add(name)
        required(below, seen)
    return seen


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
