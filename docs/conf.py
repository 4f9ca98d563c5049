"""How the documentation is built: ``tests/run docs``."""

import sys
from pathlib import Path

import gridgen

sys.path.insert(0, str(Path(__file__).with_name("_ext")))

project = "gridgen"
author = "the gridgen authors"
copyright = author  # noqa: A001 - Sphinx asks for this name
version = release = gridgen.__version__

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "numpydoc",
    "state_tables",
    "notebook_pages",
    "accessible_pages",
]
exclude_patterns = ["_build", "_ext", "**/*.sha256"]

myst_enable_extensions = ["colon_fence", "deflist"]
myst_heading_anchors = 3

# notebooks are shown with the outputs that they were committed with
nb_execution_mode = "off"

# what stands between single backticks in a docstring is a name
default_role = "py:obj"
autodoc_default_options = {"members": True, "member-order": "bysource"}
autodoc_typehints = "none"
autodoc_class_signature = "mixed"
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
add_module_names = False
python_display_short_literal_types = True

# tests/run links asks neither for the project's own repository, which is there once it is published, nor anything of the API
linkcheck_ignore = [r"https://(github\.com|mybinder\.org/v2/gh)/gridgen/", r"https://api\.apimart\.ai"]
linkcheck_timeout = 20

html_theme = "furo"
html_title = f"gridgen {version}"
html_static_path = ["_static"]
html_css_files = ["gridgen.css"]
html_show_sphinx = False
html_show_copyright = False
html_copy_source = False
html_theme_options = {
    "light_css_variables": {"color-brand-primary": "#2f5d7c", "color-brand-content": "#2f5d7c"},
    "dark_css_variables": {"color-brand-primary": "#8fb8d4", "color-brand-content": "#8fb8d4"},
}
