"""The site of the documentation: `python -m sphinx -W docs site`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lamini_creds
from lamini_creds._value import Value

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "lamini_creds"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["examples"]
html_theme = "furo"
html_title = project
html_show_copyright = False
myst_heading_anchors = 3
autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_member_order = "bysource"
default_role = "code"
autodoc_preserve_defaults = True
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
napoleon_use_ivar = True
add_module_names = False

# Some names are imported when they are asked for; autodoc sees only those that are there.
for _name in lamini_creds.__all__:
    setattr(lamini_creds, _name, getattr(lamini_creds, _name))


def setup(app: Sphinx) -> None:
    app.connect("autodoc-process-signature", _fields)


def _fields(_app: object, _what: str, _name: str, thing: object, *_: object) -> tuple[str, None] | None:
    """Show what makes a `Value`: its constructor takes any names and then looks whether they are the fields."""
    if not (isinstance(thing, type) and issubclass(thing, Value)) or "__init__" in vars(thing):
        return None
    fields = (f"{name}={thing._defaults[name]!r}" if name in thing._defaults else name for name in thing._fields)
    return f"({', '.join(fields)})", None
