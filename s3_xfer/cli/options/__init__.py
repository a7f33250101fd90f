"""The options of every command: declared here, and only here.

Names, sections, defaults and words come from these tables; the defaults and choices themselves
from :mod:`s3_xfer.options`. Refuses secrets: no option takes a secret key or a token.
"""
