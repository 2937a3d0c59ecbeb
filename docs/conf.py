"""The site of the documentation: `python -m sphinx -W docs site`."""

from __future__ import annotations

project = "lamini_creds"
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["examples"]
html_theme = "furo"
html_title = project
myst_heading_anchors = 3
autodoc_default_options = {"members": True, "show-inheritance": True}
autodoc_member_order = "bysource"
autodoc_typehints = "description"
napoleon_use_ivar = True
add_module_names = False
