"""Where settings are read from, and which of them counts."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from support import Disk

from lamini_creds import ConfigError, Resolver

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LAYERS = ("code", "environment", "named", "user", "site")
SETTINGS: dict[str, tuple[object, str, str]] = {
    "providers": (["env"], 'providers = ["env"]', "LAMINI_CREDS_PROVIDERS=env"),
    "default_profile": ("blue", 'profile = "blue"', "LAMINI_CREDS_PROFILE=blue"),
    "continue_on": (["denied"], 'continue_on = ["denied"]', "LAMINI_CREDS_CONTINUE_ON=denied"),
    "deadline": (2, "deadline = 2", "LAMINI_CREDS_DEADLINE=2"),
    "http": ("loopback", 'http = "loopback"', "LAMINI_CREDS_HTTP=loopback"),
    "allow_origins": (
        ["https://a.test"],
        'allow_origins = ["https://a.test"]',
        "LAMINI_CREDS_ALLOW_ORIGINS=https://a.test",
    ),
    "observers": (["acme"], 'observers = ["acme"]', "LAMINI_CREDS_OBSERVERS=acme"),
}


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(tmp_path, monkeypatch)


@pytest.mark.parametrize("option", SETTINGS)
@pytest.mark.parametrize("nearest", range(len(LAYERS)), ids=LAYERS)
def test_precedence(disk: Disk, option: str, nearest: int) -> None:
    """Each setting is taken from the nearest layer that has it: code, environment, named file, user's, site's."""
    value, text, variable = SETTINGS[option]
    having = LAYERS[nearest:]
    disk.write(**{name: text for name in ("named", "user", "site") if name in having})
    environ = dict([variable.split("=", 1)]) if "environment" in having else {}
    environ |= {"LAMINI_CREDS_CONFIG": str(disk.named_file)} if "named" in having else {}
    found = disk.read({option: value} if "code" in having else None, **environ).find(option, "production")
    sources = ("code", next(iter(environ), ""), str(disk.named_file), str(disk.user_file), str(disk.site_file))

    assert found
    assert sources[nearest] == found.source


def test_settings_are_merged_key_by_key(disk: Disk) -> None:
    """A layer that sets one thing leaves the others to the layers below."""
    disk.write(user='http = "any"', site='http = "loopback"\ndeadline = 3')
    settings = disk.read(LAMINI_CREDS_PROVIDERS="yaml")
    found = [settings.find(option, "production") for option in ("providers", "http", "deadline")]

    assert [["yaml"], "any", 3.0] == [setting.value for setting in found if setting]


def test_a_projects_order_comes_between(disk: Disk) -> None:
    """The project's order counts more than the user's, and less than the environment's."""
    disk.write(project='providers = ["yaml", "env"]', user='providers = ["env", "yaml", "file"]')

    assert (("yaml", "env"), ("file",)) == (
        disk.read().order("production"),
        disk.read(LAMINI_CREDS_PROVIDERS="file").order("production"),
    )


def test_nothing_set() -> None:
    """Without any layer the defaults count."""
    attempts = Resolver(environ={"LAMINI_CREDS_NO_PROJECT": "1"}).explain().attempts

    assert ["explicit", "env", "file", "yaml", "yaml", "aws", "gcp", "azure"] == [attempt.entry for attempt in attempts]


def test_a_named_file_replaces_the_project(disk: Disk) -> None:
    """LAMINI_CREDS_CONFIG names the file to read in place of the one that would be found."""
    disk.write(project='http = "any"', named="deadline = 4")
    settings = disk.read(LAMINI_CREDS_CONFIG=str(disk.named_file))

    assert (True, False) == (bool(settings.find("deadline", "x")), bool(settings.find("http", "x")))


def test_a_named_file_below_home(disk: Disk) -> None:
    """LAMINI_CREDS_CONFIG may start with ~/."""
    (disk.home / "mine.toml").write_text("deadline = 4")

    assert disk.read(LAMINI_CREDS_CONFIG="~/mine.toml").find("deadline", "production")


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="gives files away")
@pytest.mark.parametrize("layer", ["user", "site"])
@pytest.mark.parametrize(
    ("mode", "owner", "reason"),
    [
        pytest.param(0o666, 0, "can be changed by other users\n.*chmod go-w ", id="everybody's"),
        pytest.param(0o600, 1234, "belongs to another user\n.*chown ", id="another's"),
    ],
)
def test_settings_of_others_are_refused(disk: Disk, layer: str, mode: int, owner: int, reason: str) -> None:
    """A file of settings that is believed is refused where somebody else may have written it."""
    disk.write(**{layer: 'allow_origins = ["https://b.test"]'})
    file = {"user": disk.user_file, "site": disk.site_file}[layer]
    file.chmod(mode)
    os.chown(file, owner, owner)
    with pytest.raises(ConfigError, match=f"{file.name}: holds settings and {reason}"):
        disk.read()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="gives files away")
def test_a_named_file_may_be_another_s(disk: Disk) -> None:
    """Whoever names a file has looked at it: in a container it is often another user's."""
    disk.write(named="deadline = 4")
    os.chown(disk.named_file, 1234, 1234)

    assert disk.read(LAMINI_CREDS_CONFIG=str(disk.named_file)).find("deadline", "production")


def test_a_named_file_must_exist(disk: Disk) -> None:
    """A named file that is not there is an error with its name."""
    with pytest.raises(ConfigError, match=r"named\.toml: there is no such file"):
        disk.read(LAMINI_CREDS_CONFIG=str(disk.named_file))


def test_a_named_pyproject_must_have_the_table(disk: Disk) -> None:
    """A pyproject.toml that somebody names is expected to set something."""
    disk.project_file.write_text("[project]\nname = 'x'\n")
    with pytest.raises(ConfigError, match=r"has no table \[tool\.lamini_creds\]"):
        disk.read(LAMINI_CREDS_CONFIG=str(disk.project_file))


def test_from_file_searches_no_project(disk: Disk) -> None:
    """A file given in Python stands in the project's place."""
    disk.write(project='http = "any"', named='profile = "blue"')
    resolver = Resolver.from_file("../../named.toml", environ={"LAMINI_API_KEY": "test-key"}, home=disk.home)

    assert "blue" == resolver.explain().profile


@pytest.mark.parametrize(("value", "searched"), [("1", False), ("0", True), ("", True)])
def test_no_project(disk: Disk, value: str, searched: bool) -> None:  # a column of the table
    """LAMINI_CREDS_NO_PROJECT=1 turns the search off, 0 and blank leave it on."""
    disk.write(project='providers = ["env"]')

    assert searched == bool(disk.read(LAMINI_CREDS_NO_PROJECT=value).find("providers", "production"))


def test_no_project_takes_two_words(disk: Disk) -> None:
    """Any other value may mean either, and is refused."""
    with pytest.raises(ConfigError, match="LAMINI_CREDS_NO_PROJECT: is neither 0 nor 1"):
        disk.read(LAMINI_CREDS_NO_PROJECT="no")


def test_the_users_file_follows_xdg(disk: Disk, tmp_path: Path) -> None:
    """XDG_CONFIG_HOME says where the user's file is."""
    file = tmp_path / "xdg" / "lamini_creds" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text("deadline = 4")
    found = disk.read(XDG_CONFIG_HOME=str(tmp_path / "xdg")).find("deadline", "production")

    assert found
    assert str(file) == found.source


def test_a_relative_xdg_directory_is_none(disk: Disk) -> None:
    """A relative XDG_CONFIG_HOME is ignored, as its specification says: the working directory sets nothing."""
    file = disk.checkout / "xdg" / "lamini_creds" / "config.toml"
    file.parent.mkdir(parents=True)
    file.write_text("deadline = 4")

    assert disk.read(XDG_CONFIG_HOME="xdg").find("deadline", "production") is None


def _fifo(path: Path) -> None:
    os.mkfifo(path)


KINDS: dict[str, tuple[Callable[[Path], object], str]] = {
    "fifo": (_fifo, "is a FIFO"),
    "directory": (lambda path: path.mkdir(), "is a directory"),
    "too large": (lambda path: path.write_bytes(b"#" * (1024 * 1024 + 1)), "larger than 1 MiB"),
    "not utf-8": (lambda path: path.write_bytes(b"# lamini_creds \xff\n"), "is not UTF-8"),
    "dangling link": (lambda path: path.symlink_to("nowhere"), "a link to nothing"),
    "looping link": (lambda path: path.symlink_to(path), "can't be opened"),
    "cut off": (lambda path: path.write_text('# lamini_creds\nhttp = ["any"'), "end of document: this is not TOML"),
    "malformed": (lambda path: path.write_text("# lamini_creds\nhttp =\n"), "line 2, column 7: this is not TOML"),
    "nested": (lambda path: path.write_text("lamini_creds = " + "[" * 5000), "nested too deeply"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", ["user_file", "site_file", "project_file", "named_file"])
def test_what_is_no_settings_file_is_an_error(disk: Disk, kind: str, place: str) -> None:
    """Whatever stands where settings are read, and is none, is told with its path; nothing blocks."""
    make, told = KINDS[kind]
    file: Path = getattr(disk, place)
    make(file)
    environ = {"LAMINI_CREDS_CONFIG": str(file)} if place == "named_file" else {}
    with pytest.raises(ConfigError) as caught:
        disk.read(**environ)

    assert (str(file), True) == (caught.value.place, told in str(caught.value))


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root reads everything")
def test_an_unreadable_file_is_an_error(disk: Disk) -> None:
    """A file that this user may not read is no reason to go on without it."""
    disk.write(user="deadline = 4")
    disk.user_file.chmod(0)
    with pytest.raises(ConfigError, match="can't be opened"):
        disk.read()


def test_the_search_walks_up_to_the_repositorys_root(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """The nearest pyproject.toml with our table counts, up to the directory with .git."""
    disk.write(project='providers = ["yaml"]')
    inner = disk.checkout / "package" / "source"
    inner.mkdir(parents=True)
    (disk.checkout / "package" / "pyproject.toml").write_text("[project]\nname = 'x'\n[tool.other]\n")
    monkeypatch.chdir(inner)

    assert ("yaml",) == disk.read().order("production")


def test_the_search_ends_at_the_repositorys_root(disk: Disk) -> None:
    """A file above the repository is nobody's."""
    (disk.checkout.parent / "pyproject.toml").write_text("[tool.lamini_creds]\nhttp = 'any'\n")

    assert disk.read().find("http", "production") is None


def test_the_search_ends_at_a_mount_point(disk: Disk, monkeypatch: pytest.MonkeyPatch) -> None:
    """What lies above another file system belongs to whoever mounted it there."""
    disk.write(project='providers = ["yaml"]')
    inner = disk.checkout / "mounted" / "inner"
    inner.mkdir(parents=True)
    monkeypatch.chdir(inner)
    monkeypatch.setattr(os.path, "ismount", lambda path: path == str(inner.parent))  # a mount takes a right of its own

    assert not disk.read().find("providers", "production")


@pytest.mark.parametrize("spelled", ["{home}", "{home}/", "{link}"], ids=["plain", "slash", "link"])
def test_the_search_ends_at_home(disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spelled: str) -> None:
    """Nothing above the home directory is read, however HOME spells it."""
    (tmp_path / "link").symlink_to(disk.home)
    (disk.home / "work").mkdir()
    (tmp_path / "pyproject.toml").write_text("[tool.lamini_creds]\nhttp = 'any'\n")
    monkeypatch.chdir(disk.home / "work")
    home = spelled.format(home=disk.home, link=tmp_path / "link")

    assert Resolver(environ={"HOME": home, "LAMINI_API_KEY": "test-key"}).resolve()


@pytest.mark.skipif(os.name != "posix", reason="modes")
@pytest.mark.parametrize(("mode", "read"), [(0o755, True), (0o700, True), (0o757, False), (0o1777, False)])
def test_directories_of_others(disk: Disk, mode: int, read: bool) -> None:  # a column of the table
    """A directory that everybody may write to is passed over: the file there may be anybody's."""
    disk.write(project='providers = ["yaml"]')
    disk.checkout.chmod(mode)

    assert read == bool(disk.read().find("providers", "production"))


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="gives files away")
@pytest.mark.parametrize(
    ("owner", "group", "read"),
    [(0, 0, True), (0, 1234, False), (1234, 1234, False)],
    ids=["own group", "shared group", "another's"],
)
def test_owners_and_groups(disk: Disk, owner: int, group: int, read: bool) -> None:  # as above
    """A group that is the user's own may write, as umask 002 lets it; another group or owner may not."""
    disk.write(project='providers = ["yaml"]')
    disk.checkout.chmod(0o775)
    os.chown(disk.checkout, owner, group)

    assert read == bool(disk.read().find("providers", "production"))


def test_a_deleted_working_directory(disk: Disk) -> None:
    """Where there is no working directory, there is no project."""
    (disk.checkout / ".git").rmdir()
    disk.checkout.rmdir()
    disk.write(user="deadline = 4")

    assert disk.read().find("deadline", "production")


def test_a_relative_name_is_below_the_working_directory(disk: Disk) -> None:
    """LAMINI_CREDS_CONFIG may be relative, and messages have the whole path."""
    disk.write(named="deadline = 4")
    found = disk.read(LAMINI_CREDS_CONFIG="../../named.toml").find("deadline", "production")

    assert found
    assert str(disk.named_file) == found.source


def test_a_relative_name_needs_a_working_directory(disk: Disk) -> None:
    """In a deleted working directory a relative name is an error."""
    (disk.checkout / ".git").rmdir()
    disk.checkout.rmdir()
    with pytest.raises(ConfigError, match="LAMINI_CREDS_CONFIG: is not an absolute path"):
        disk.read(LAMINI_CREDS_CONFIG="named.toml")


def test_a_link_to_a_project_file_is_read(disk: Disk, tmp_path: Path) -> None:
    """A pyproject.toml may be a link; it is judged like any other."""
    (tmp_path / "elsewhere.toml").write_text("[tool.lamini_creds]\nproviders = ['yaml']\n")
    disk.project_file.symlink_to(tmp_path / "elsewhere.toml")

    assert ("yaml",) == disk.read().order("production")


def test_a_file_without_our_name_is_not_parsed(disk: Disk) -> None:
    """A pyproject.toml that never mentions us may be as broken as it likes."""
    disk.project_file.write_text("this is = = not TOML")

    assert () == disk.read().layers


def test_a_table_spelled_with_a_hyphen_is_told(disk: Disk) -> None:
    """[tool.lamini-creds] is not ignored in silence."""
    disk.project_file.write_text("[tool.lamini-creds]\nproviders = ['env']\n")
    with pytest.raises(ConfigError, match=r"did you mean \[tool\.lamini_creds\]"):
        disk.read()


def test_a_broken_layer_is_read_again(disk: Disk) -> None:
    """After the file is mended the same resolver works."""
    disk.write(user="deadline = 'soon'")
    resolver = disk.resolver(LAMINI_API_KEY="test-key")
    with pytest.raises(ConfigError):
        resolver.resolve()
    disk.write(user="deadline = 5")

    assert "test-key" == resolver.resolve().key
