"""Copy S3 objects between accounts, with a prompt for each setting: ``python scripts/s3_copy.py``.

Runs from a checkout, without installation. Takes everything ``s3-xfer interactive`` takes.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from s3_xfer.cli.main import main

if __name__ == "__main__":
    sys.exit(main(["interactive", *sys.argv[1:]]))
