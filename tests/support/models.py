"""botocore's descriptions of AWS, parsed once a process: parsing them anew is most of what a short deploy computes."""

import re
from functools import cache
from typing import Any

# What botocore changes in place once it has it (handlers.py: the path of an operation) is read anew by each session.
_CHANGED = re.compile(r"/s3(control)?/[^/]+/service-2$")


@cache
def share() -> None:
    """From now on the sessions of this process share what they read of botocore's own data."""
    from botocore.loaders import JSONFileLoader, Loader

    load = JSONFileLoader.load_file
    # By the path alone: every session has a loader of its own, and none of them may be kept alive.
    shared = cache(lambda path: load(JSONFileLoader(), path))

    def load_file(loader: JSONFileLoader, path: str) -> Any:
        own = not path.startswith(Loader.BUILTIN_DATA_PATH) or _CHANGED.search(path)
        return load(loader, path) if own else shared(path)

    JSONFileLoader.load_file = load_file
