"""How the site and the man page are built from these pages. Run by ``make docs``."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

from s3_xfer.version import VERSION

project = "s3-xfer"
version = release = VERSION
project_copyright = "the authors of s3-xfer, Apache 2.0"

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
    "command_line",
]
exclude_patterns = ["_extensions"]
nitpicky = False  # types of boto3 have no pages to lead to; our own links are checked by MyST

# Anchors as GitHub makes them, so that a link means the same there and here.
myst_heading_anchors = 4
# Blocks of code that are not for Pygments: a shell that we quote, and files with placeholders.
highlight_language = "text"
suppress_warnings = ["misc.highlighting_failure"]

autodoc_typehints = "description"
autodoc_typehints_description_target = "documented_params"
autodoc_member_order = "bysource"

# The button copies commands without prompts, and without what they print.
copybutton_prompt_text = "$ "
copybutton_line_continuation_character = "\\"

html_theme = "furo"
html_title = f"s3-xfer {release}"
html_show_sphinx = False
html_copy_source = False

man_pages = [
    ("reference/cli", "s3-xfer", "copy S3 objects between AWS accounts, server-side", [], 1)
]
