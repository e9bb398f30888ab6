"""Credentials, account, region."""

from collections.abc import Iterator

from pipeline.diagnosing.finding import Check, Finding, shut_out
from pipeline.diagnosing.patient import Patient
from pipeline.errors import Interrupted, PipelineError


def credentials(patient: Patient) -> Iterator[Finding]:
    """Whether there are any, and whose; those of a root user or a person in a job are not as they should be."""
    try:
        arn = str(patient.identity["Arn"])
    except Interrupted:
        raise
    except PipelineError as error:
        yield shut_out(error)
        return
    if arn.endswith(":root") and not patient.local:
        yield Finding("these are the root user's credentials", "warning", (arn,), "sign in with a role")
    elif ":user/" in arn and patient.environ.get("GITHUB_ACTIONS") == "true":
        fix = patient.command("bootstrap", "--repo OWNER/NAME")
        yield Finding("this job uses the keys of a user, which do not expire", "warning", (arn,), fix)


def account(patient: Patient) -> Iterator[Finding]:
    """The credentials' account is the environment's."""
    wanted, actual = patient.environment.account, str(patient.identity["Account"])
    if wanted is None:
        fix = f"AWS_ACCOUNT_ID={actual} in {patient.environment.file}"
        yield Finding("the environment names no account: any account's credentials are taken", "warning", fix=fix)
    elif wanted != actual:
        evidence = (f"expected {wanted} ({patient.environment.file})", f"actual   {actual} ({patient.identity['Arn']})")
        yield Finding("the credentials are of another account", "error", evidence, "AWS_PROFILE=... of that account")


def region(patient: Patient) -> Iterator[Finding]:
    """Variables of the process that name another region mislead other programs, such as the AWS CLI."""
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        found = patient.environ.get(name)
        if found and found != patient.scope.region:
            evidence = (f"{patient.environment.file} {patient.scope.region}", f"{name} {found}")
            fix = f"export {name}={patient.scope.region}"
            yield Finding(f"{name} is another region than the environment's", "info", evidence, fix)


CHECKS = (
    Check("account", "the credentials' account is the environment's", account),
    Check("credentials", "whose credentials these are", credentials),
    Check("region", "no variable names another region", region),
)
