"""What errors mean: texts as AWS sends them, each with its permanent twin where there is one."""

import string
from collections.abc import Iterator
from pathlib import Path

import botocore.session
import pytest

from pipeline.applying.classifier import SCHEDULES, Kind, Row, Schedule, classifier
from pipeline.applying.operations import operations
from pipeline.errors import FailedCall

SESSION = botocore.session.Session()


def judged(
    service: str, operation: str, code: str, message: str = "", *, fresh: bool = False, status: int | None = 400
) -> Kind:
    call = FailedCall(service, operation, code, message, status=status)
    return classifier().judge(call, {}, fresh=fresh).kind


ROLE = "The role defined for the function cannot be assumed by Lambda."


def recorded() -> Iterator[tuple[str, str, str, str, str]]:
    """(service, operation, code, kind, message) of every line of the table."""
    for line in (Path(__file__).parent / "aws_errors.txt").read_text().splitlines():
        if line and not line.startswith("#"):
            name, code, kind, message = (part.strip() for part in line.split("|", 3))
            service, operation = name.split(":")
            yield service, operation, code, kind, message


@pytest.mark.parametrize(("service", "operation", "code", "kind", "message"), list(recorded()))
def test_errors_by_service(service: str, operation: str, code: str, kind: str, message: str) -> None:
    assert judged(service, operation, code, message) == kind


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("Throttling", 400, "throttled"),
        ("ThrottlingException", 400, "throttled"),
        ("TooManyRequestsException", 429, "throttled"),
        ("SlowDown", 503, "throttled"),
        ("SomethingNew", 429, "throttled"),
        ("InternalFailure", 500, "transient"),
        ("ServiceUnavailable", 503, "transient"),
        ("SomethingNew", 502, "transient"),
        ("ResourceNotFoundException", 400, "absent"),
        ("NotFoundException", 404, "absent"),
        ("NoSuchBucketPolicy", 404, "absent"),
        ("PreconditionFailed", 412, "stale"),
        ("LimitExceededException", 429, "final"),
        ("ExpiredToken", 400, "final"),
        ("AccessDenied", 403, "final"),
        ("SomethingNew", 400, "final"),
        ("SomethingNew", 409, "final"),
        ("SomethingNew", None, "final"),
    ],
)
def test_errors_of_any_service(code: str, status: int | None, kind: str) -> None:
    assert judged("events", "PutRule", code, status=status) == kind


@pytest.mark.parametrize(
    ("code", "status", "identity", "budget"),
    [
        ("500", 500, None, 8),
        ("500", 500, "4f3c", 90),
        ("503", 503, None, 90),
        ("InternalFailure", 500, None, 90),
        ("Unreadable", None, None, 8),
        ("InternalFailure", 501, None, None),
        ("NotImplemented", 501, "4f3c", None),
        ("NotImplemented", 400, "4f3c", None),
    ],
)
def test_what_is_no_answer_of_aws_is_not_waited_for_long(
    code: str, status: int | None, identity: str | None, budget: float | None
) -> None:
    schedule = classifier().judge(FailedCall("events", "PutRule", code, "", identity, status=status), {}).schedule
    assert (schedule and schedule.budget) == budget


@pytest.mark.parametrize(
    ("service", "operation", "code", "message"),
    [
        ("s3", "PutBucketPolicy", "NoSuchBucket", ""),
        ("s3", "HeadBucket", "404", ""),
        ("iam", "GetRole", "NoSuchEntity", "The role with name orders cannot be found."),
        ("iam", "AttachRolePolicy", "NoSuchEntity", "The role with name orders cannot be found."),
        ("lambda", "AddPermission", "ResourceNotFoundException", "Function not found: arn:aws:lambda:..."),
        ("dynamodb", "UpdateTimeToLive", "ResourceNotFoundException", ""),
        ("dynamodb", "UpdateContinuousBackups", "TableNotFoundException", ""),
        ("logs", "PutRetentionPolicy", "ResourceNotFoundException", ""),
    ],
)
def test_not_found_means_not_yet_only_for_what_this_run_made(
    service: str, operation: str, code: str, message: str
) -> None:
    assert judged(service, operation, code, message, status=404, fresh=True) is Kind.PROPAGATING
    assert judged(service, operation, code, message, status=404) is Kind.ABSENT


@pytest.mark.parametrize(
    ("service", "operation", "code", "message"),
    [
        ("iam", "GetRolePolicy", "NoSuchEntity", "The role policy with name inline cannot be found."),
        ("lambda", "GetPolicy", "ResourceNotFoundException", "The resource you requested does not exist."),
        ("lambda", "GetAlias", "ResourceNotFoundException", "Cannot find alias arn: arn:aws:lambda:..."),
        ("s3", "GetBucketPolicy", "NoSuchBucketPolicy", "The bucket policy does not exist"),
        ("s3", "HeadObject", "404", ""),
    ],
)
def test_what_a_new_object_does_not_have_is_not_waited_for(
    service: str, operation: str, code: str, message: str
) -> None:
    assert judged(service, operation, code, message, status=404, fresh=True) is Kind.ABSENT


def test_deleting_what_is_gone_is_never_waited_for() -> None:
    for service, operation in [("lambda", "DeleteFunction"), ("dynamodb", "DeleteTable"), ("iam", "DeleteRole")]:
        assert judged(service, operation, "ResourceNotFoundException", status=404, fresh=True) is Kind.ABSENT


DENIED = (
    "User: arn:aws:sts::123456789012:assumed-role/deploy/run is not authorized to perform: iam:PassRole on resource: "
    "arn:aws:iam::123456789012:role/orders because no identity-based policy allows the iam:PassRole action"
)


@pytest.mark.parametrize(
    ("code", "message", "hint"),
    [
        ("AccessDenied", DENIED, "add iam:PassRole to the deploy role"),
        ("AccessDeniedException", "", "add lambda:CreateFunction to the deploy role"),
        (
            "AccessDeniedException",
            "not authorized to perform: lambda:CreateFunction with an explicit deny in a permissions boundary",
            "look for the policy that denies lambda:CreateFunction",
        ),
        (
            "InvalidParameterValueException",
            ROLE,
            "check that the trust policy of arn:aws:iam::123456789012:role/orders names lambda.amazonaws.com",
        ),
        ("ExpiredTokenException", "", "get new credentials and run again: it continues from what was reached"),
    ],
)
def test_hints_name_what_to_do(code: str, message: str, hint: str) -> None:
    call = FailedCall("lambda", "CreateFunction", code, message, status=403)
    params = {"FunctionName": "orders", "Role": "arn:aws:iam::123456789012:role/orders"}
    assert (classifier().judge(call, params).hint or "").startswith(hint)


def test_a_message_that_echoes_the_environment_is_cut() -> None:
    message = (
        "Lambda was unable to configure your environment variables because the environment variables you have provided "
        'exceeded the 4KB limit. String measured: {"PASSWORD":"hunter2"}'
    )
    call = FailedCall("lambda", "UpdateFunctionConfiguration", "InvalidParameterValueException", message, status=400)
    shown = classifier().judge(call, {}).clean(message)
    assert shown.endswith("exceeded the 4KB limit. (the rest shows values and is left out)")
    assert "hunter2" not in shown


def test_schedules() -> None:
    dense = SCHEDULES[Kind.PROPAGATING]
    assert [round(dense.pause(n, 0), 2) for n in range(1, 6)] == [0.5, 0.75, 1.12, 1.69, 2.0]
    assert dense.budget == 120
    spread = SCHEDULES[Kind.THROTTLED]
    assert [spread.pause(n, 0) for n in range(1, 7)] == [1, 2, 4, 8, 16, 20]
    assert [spread.pause(n, 1) for n in range(1, 7)] == [0.5, 1, 2, 4, 8, 10]
    assert spread.pause(10_000, 0) == 20
    assert Schedule(1, 2, 3, 0, 4).pause(1, 0.5) == 1


def test_a_row_may_have_a_budget_of_its_own() -> None:
    call = FailedCall("s3", "CreateBucket", "OperationAborted", "", status=409)
    schedule = classifier().judge(call, {}).schedule
    assert schedule is not None
    assert (schedule.budget, schedule.most) == (300, 20)


# Codes that AWS sends although no model declares them for the service: protocol and HTTP level, and S3's error page.
# https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
UNDECLARED = {
    ("s3", code)
    for code in (
        *("OperationAborted", "ConditionalRequestConflict", "PreconditionFailed", "MalformedPolicy", "BucketNotEmpty"),
        *("AccessControlListNotSupported", "RequestTimeout", "IncompleteBody", "BadDigest", "PermanentRedirect"),
        *("AuthorizationHeaderMalformed", "IllegalLocationConstraintException", "InvalidLocationConstraint"),
        *("403", "404"),
    )
} | {
    ("sts", "AccessDenied"),
    ("lambda", "InvalidArnException"),
    ("lambda", "ConflictException"),
    ("dynamodb", "ValidationException"),
    ("sqs", "AWS.SimpleQueueService.NonExistentQueue"),
    ("sqs", "AWS.SimpleQueueService.QueueDeletedRecently"),
    ("sqs", "QueueAlreadyExists"),
    ("bedrock-runtime", "AccessDenied"),
    # Declared by newer models than those of the oldest botocore that is tested.
    ("lambda", "ENINotReadyException"),
    ("s3", "AccessDenied"),
    ("bedrock", "ResourceInUseException"),
}


@pytest.mark.parametrize("row", classifier().rows, ids=lambda row: f"{row.service}-{row.code}-{row.kind}")
def test_every_row_speaks_of_what_exists(row: Row) -> None:
    assert row.source
    if row.service != "*":
        model = SESSION.get_service_model(row.service)
        declared = {code for shape in model.error_shapes for code in (shape.error_code, shape.name)}
        assert row.code in declared or (row.service, row.code) in UNDECLARED
        assert all("*" in name or name in model.operation_names for name in row.operations)
        shapes = [model.operation_model(name).input_shape for name in model.operation_names]
        members = {member for shape in shapes if shape for member in shape.members}
        assert _placeholders(row.hint) <= members | {"action", "service", "operation"}
    else:
        assert _placeholders(row.hint) <= {"action", "service", "operation"}


def _placeholders(hint: str | None) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(hint or "") if name}


def test_no_code_with_two_meanings_is_repeated_for_its_code_alone() -> None:
    two_meanings = {"InvalidParameterValueException", "ValidationException", "LimitExceededException", "AccessDenied"}
    two_meanings |= {"BadRequestException", "InvalidParameterException", "MalformedPolicyDocument", "MalformedPolicy"}
    for row in classifier().rows:
        if row.code in two_meanings and row.kind in SCHEDULES:
            assert row.message, f"{row.service} {row.code}"


def test_every_row_can_be_reached() -> None:
    seen: list[Row] = []
    for row in classifier().rows:
        hidden = [
            earlier
            for earlier in seen
            if earlier.code == row.code
            and earlier.service in ("*", row.service)
            and earlier.operations == ("*",)
            and not earlier.message
            and not earlier.fresh
        ]
        assert not hidden, f"{row} is hidden by {hidden}"
        seen.append(row)


def test_only_changes_can_be_unchanged() -> None:
    for service, name in [("dynamodb", "UpdateTable"), ("dynamodb", "UpdateTimeToLive")]:
        assert operations().get(service, name).mutating
