"""A backup of a table that is about to be replaced, with its data: agreed to, but agreement may come too easily.

It is the user's to keep or to delete; a deployment never removes it.
https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/BackupRestore.html
"""

import re
from typing import Any

from pipeline.errors import PipelineError
from pipeline.model.resource import Observed
from pipeline.resources.base import Aws

# Seconds; AWS answers that a backup is there within a second or two, whatever the size of the table.
_EVERY, _WITHIN = 2.0, 600.0
_LONGEST = 255


def save(aws: Aws, observed: Observed) -> str:
    """Makes a backup and waits until it can be restored; its ARN. Raises PipelineError when there will be none."""
    table = str(observed.properties["name"])
    made = aws.call("dynamodb", "CreateBackup", TableName=table, BackupName=_name(table, aws.scope.label))
    arn = str(made["BackupDetails"]["BackupArn"])

    def ended() -> dict[str, Any] | None:
        found = aws.call("dynamodb", "DescribeBackup", BackupArn=arn)["BackupDescription"]["BackupDetails"]
        return None if found["BackupStatus"] == "CREATING" else dict(found)

    details = aws.wait(f"the backup of table {table}", ended, every=_EVERY, budget=_WITHIN)
    if details["BackupStatus"] != "AVAILABLE":
        raise PipelineError(
            f"the backup of table {table} is {details['BackupStatus'].lower()}, so the table was not replaced",
            hint="run the same command again",
        )
    return arn


def _name(table: str, label: str) -> str:
    """Says of which table, and before which release; names of backups need not be unique."""
    reason = re.sub(r"[^A-Za-z0-9_.-]+", "-", label or "replacement")
    ending = f"-before-{reason}"
    return table[: _LONGEST - len(ending)] + ending
