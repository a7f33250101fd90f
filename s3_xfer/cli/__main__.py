"""``python -m s3_xfer.cli``: the program ``s3-xfer``, uninstalled."""

import sys

from s3_xfer.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
