"""Where a run acts: one service in one environment, one account and one region."""

from dataclasses import dataclass, field
from typing import Any

from pipeline.model.resource import Mark


@dataclass(frozen=True)
class Scope:
    """Everything that an ARN or a name needs to be computed without asking AWS.

    `label` says for which release the run works, as soon as it changes AWS: `release 41, commit 1a2b3c4`. It is written
    on what is made for that release alone, such as versions of functions.
    """

    service: str
    environment: str
    account: str
    region: str
    partition: str = "aws"
    label: str = field(default="", compare=False)

    def arn(self, service: str, resource: str, *, regional: bool = True, account: bool = True) -> str:
        """`arn:aws:<service>:<region>:<account>:<resource>`; global services and S3 leave parts empty."""
        region = self.region if regional else ""
        owner = self.account if account else ""
        return f"arn:{self.partition}:{service}:{region}:{owner}:{resource}"

    def policy_arn(self, policy: Any) -> Any:
        """The ARN of a managed policy of this account, for its bare name; all else stays as it is."""
        if not isinstance(policy, str) or policy.startswith("arn:"):
            return policy
        return self.arn("iam", f"policy/{policy}", regional=False)

    def mark(self, address: str) -> Mark:
        """The ownership mark for a resource of this scope."""
        return Mark(self.service, self.environment, address)

    def owns(self, mark: Mark | None) -> bool:
        """True when `mark` names this service and environment."""
        return mark is not None and (mark.service, mark.environment) == (self.service, self.environment)


def partition_of(region: str) -> str:
    """The ARN partition of a region: aws, aws-cn or aws-us-gov.

    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
    """
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"
