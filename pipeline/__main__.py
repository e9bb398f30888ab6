"""`python -m pipeline` and the console script."""

import gc
import os
import sys
import warnings

# Reading what botocore knows of the services makes half a million objects that stay. Looking for garbage among them
# every 700, as Python does by default, takes 0.05 s of a deploy, and there is next to none.
gc.set_threshold(100_000)
# requests keeps this to itself, but botocore, imported by another thread meanwhile, may undo its filter.
warnings.filterwarnings("ignore", message="SOCKS support in urllib3")

from pipeline.cli import main as run  # noqa: E402 - imports make such objects, too


def main() -> None:
    """Runs the command line and leaves at once: a call that hangs in a thread may not hold up the exit."""
    code = run()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


if __name__ == "__main__":
    main()
