"""Where the program begins: ``s3-xfer``, and ``python -m s3_xfer.cli`` uninstalled."""

import gc
import sys

# Nearly all that is made at the start stays. With Python's default, 700, a tenth of the time until
# the first request goes by in looking for what could be thrown away.
GARBAGE_LOOKED_FOR_AFTER = 50_000


def program() -> int:
    """Run the program and return its exit code."""
    gc.set_threshold(GARBAGE_LOOKED_FOR_AFTER)  # before the modules are there
    from s3_xfer.cli.main import main  # noqa: PLC0415

    return main()


if __name__ == "__main__":
    sys.exit(program())
