"""``python -m s3_xfer.cli``: the program without its installed script."""

import sys

from s3_xfer.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
