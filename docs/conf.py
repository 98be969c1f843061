"""How the pages of this folder become a site: ``make docs``. Nothing is fetched while it is built."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

_version: dict[str, str] = {}
exec((HERE.parent / "cramprisk" / "_version.py").read_text(encoding="utf-8"), _version)

project = "cramprisk"
author = "The cramprisk developers"
copyright = author
release = version = _version["__version__"]

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_argparse_cli",
    "sphinx_copybutton",
    "site_pages",
]
exclude_patterns = ["_build"]

myst_heading_anchors = 4  # links such as tables.md#names-of-your-own work as they do on GitHub
myst_links_external_new_tab = False

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
napoleon_google_docstring = True
napoleon_numpy_docstring = False
napoleon_use_ivar = True  # "Attributes:" of a docstring describes the fields; autodoc lists no second entry for them

html_theme = "furo"
html_title = f"cramprisk {release}"
html_show_sphinx = False
html_copy_source = False
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True
