"""Which service, account and region an environment is: all that a command needs which takes the rest from the ledger.

Nothing else of the checkout has to be right for that: not its specs, not the other keys of the environment's file.
"""

from pathlib import Path

from pipeline.config.env_rules import read_rules
from pipeline.config.environments import read_environment
from pipeline.config.files import Files
from pipeline.config.findings import Findings
from pipeline.errors import BadInput
from pipeline.model.environment import Environment


def read_identity(root: Path, name: str, region: str | None = None) -> Environment:
    """The environment `name` of the project at `root`; of several regions in `region`, or the first.

    BadInput when its file is missing, or SERVICE_NAME, ENVIRONMENT, AWS_REGION or AWS_ACCOUNT_ID in it is wrong.
    """
    files, findings = Files(root), Findings()
    found = read_environment(files, name, read_rules(files, findings), findings, region)
    # A wrong account must not be taken for none: then that of the credentials would do.
    if found.environment is None or "AWS_ACCOUNT_ID" in found.unclear:
        raise BadInput.of(wrong for wrong in findings.found if wrong.severity == "error")
    return found.environment
