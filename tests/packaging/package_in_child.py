"""A program for the tests: packages one project under whatever umask, clock and locale it was started with."""

import json
import os
import sys
from pathlib import Path
from typing import Any

from pipeline.packaging.packager import Packager
from tests.packaging.support import Code, function


def main(job: dict[str, Any]) -> None:
    if umask := os.environ.get("TEST_UMASK"):
        os.umask(int(umask, 8))
    code = Code(requirements=job["requirements"])
    said: list[str] = []
    packager = Packager(Path(job["root"]), code, Path(job["cache"]), said.append, uv_environment=job["uv"])
    packaged = packager.package([function()])
    print(json.dumps({"digest": packaged["lambda.function/hello"].digest, "said": said}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
