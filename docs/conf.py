"""How Sphinx builds the site; ``nox -s docs`` runs it, and each warning is an error."""

import tomllib
from pathlib import Path

PROJECT = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text("utf-8"))

project = PROJECT["project"]["name"]
release = PROJECT["project"]["version"]
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]

# A link to a heading is checked down to this level.
myst_heading_anchors = 3
myst_enable_extensions = ["colon_fence"]

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
napoleon_google_docstring = True

html_theme = "furo"
html_title = project
html_copy_source = False
html_show_copyright = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False

# A name that leads nowhere is an error, unless it is another package's or has no page on purpose.
nitpicky = True
nitpick_ignore_regex = [
    ("py:.*", r"(apscheduler|collections|concurrent|datetime|flask|flask_apscheduler|types)\..*"),
    ("py:exc", r"JobLookupError|SchedulerNotRunningError|FaultNeverFired"),
    ("py:class", r"(.*\.)?(FailurePage|Run|TaskReport|VirtualThread|TraceEntry|Strategy)"),
]
