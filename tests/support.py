"""What several tests need: settings on disk, plugins that look installed, and a provider that counts its calls."""

from __future__ import annotations

import itertools
import sys
from typing import TYPE_CHECKING

from lamini_creds import Resolver, Secret, _config
from lamini_creds._credential import Hidden

if TYPE_CHECKING:
    from collections.abc import Hashable, Mapping
    from pathlib import Path

    import pytest

    from lamini_creds import Context
    from lamini_creds._settings import Settings

_numbers = itertools.count()

PLUGIN = """
from dataclasses import dataclass
from lamini_creds import CredentialProvider, ProviderDenied, ProviderUnavailable, Secret, hookimpl

@dataclass(frozen=True)
class Provider:
    region: str = "here"

    def provide(self, context):
        return Secret(f"test-key-{self.region}", source="acme")

@hookimpl
def lamini_creds_register_provider():
    return Provider
"""


class Disk:
    """
    A machine's files: a home with the user's settings, the site's, and a checkout that is the working directory.

    Args:
        root: An empty directory.
        monkeypatch: Moves the working directory and the site's file there.
    """

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.home, self.checkout = root / "home", root / "work" / "checkout"
        self.user_file = self.home / ".config" / "lamini_creds" / "config.toml"
        self.site_file, self.project_file = root / "site.toml", self.checkout / "pyproject.toml"
        self.named_file = root / "named.toml"
        (self.checkout / ".git").mkdir(parents=True)
        self.user_file.parent.mkdir(parents=True)
        monkeypatch.setattr(_config, "SITE_FILE", str(self.site_file))
        monkeypatch.chdir(self.checkout)

    def write(self, *, user: str = "", site: str = "", project: str = "", named: str = "") -> None:
        """Write settings; a project's without the table's name."""
        for file, text in ((self.user_file, user), (self.site_file, site), (self.named_file, named)):
            if text:
                file.write_text(text)
        if project:
            self.project_file.write_text(f"[tool.lamini_creds]\n{project}")

    def read(self, code: Mapping[str, object] | None = None, /, **environ: str) -> Settings:
        """Read and merge the layers."""
        hidden = None if code is None else Hidden(code)
        return _config.read(hidden, None, Hidden(environ), str(self.home))

    def resolver(self, settings: Mapping[str, object] | None = None, /, **environ: str) -> Resolver:
        """Make a resolver of this machine."""
        return Resolver(settings, environ=environ, home=self.home)


def install(
    root: Path,
    monkeypatch: pytest.MonkeyPatch,
    code: str = PLUGIN,
    *,
    names: tuple[str, ...] = ("acme",),
    distribution: str = "acme-creds",
    version: str = "2.5",
) -> str:
    """Put a distribution on the path whose entry points of these names are one module; give the module's name."""
    module = f"plugin_of_a_test_{next(_numbers)}"
    site = root / f"site-{module}"
    info = site / f"{distribution.replace('-', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (site / f"{module}.py").write_text(code)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
    (info / "entry_points.txt").write_text("[lamini_creds]\n" + "".join(f"{name} = {module}\n" for name in names))
    (info / "RECORD").write_text(f"{module}.py,,\n")
    monkeypatch.syspath_prepend(str(site))
    return module


def hide_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take what is installed here, this project's own plugins among it, out of the search."""
    monkeypatch.setattr(sys, "path", [path for path in sys.path if not path.endswith("-packages")])


class CountingProvider:
    """A local provider that counts how often it is asked, and always looks changed."""

    def __init__(self, secret: Secret | None = None) -> None:
        self.secret = secret
        self.calls = 0

    def state(self, _context: Context) -> Hashable:
        """Equal no other state."""
        return object()

    def provide(self, _context: Context) -> Secret | None:
        """Count, and give the secret."""
        self.calls += 1
        return self.secret
