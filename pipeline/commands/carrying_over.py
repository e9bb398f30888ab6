"""The stages of `init --from-manual`: read the folder, carry over, and look at what came of it."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from pipeline.config.loading import load
from pipeline.errors import BadInput
from pipeline.resources.registry import registry
from pipeline.scaffolding.answers import Answers
from pipeline.scaffolding.manual.carrying import answers_of, carry
from pipeline.scaffolding.manual.folder import read
from pipeline.scaffolding.manual.notes import Carried
from pipeline.scaffolding.writing import write


def carry_over(folder: Path, given: Answers) -> Carried:
    """The new repository; what is wrong with it as it stands is among what was left."""
    found = read(folder)
    answers = answers_of(found, given)
    if not answers.service:
        raise BadInput(
            f"{folder} names no service: neither service_name in config.json nor SERVICE_NAME in environments/",
            hint="--service NAME",
        )
    answers.check()
    today = datetime.now(UTC).date()
    carried = carry(found, answers, today)
    with tempfile.TemporaryDirectory(prefix="pipeline-init-") as temporary:
        root = Path(temporary) / "repository"
        write(root, carried.files)
        for diagnostic in load(root, None, registry(), today).errors:
            hint = f"; try: {diagnostic.hint}" if diagnostic.hint else ""
            carried.left(f"{diagnostic.file}:{diagnostic.line}", f"{diagnostic.message}{hint}")
    return carried
