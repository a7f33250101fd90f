"""The version of the distribution: it stands here, and only here.

pyproject.toml reads it. Asking the installed metadata instead takes ten milliseconds of every
start.
"""

VERSION = "0.1.0"
