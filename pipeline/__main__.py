"""`python -m pipeline` and the console script."""

import os
import sys

from pipeline.cli import main as run


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
