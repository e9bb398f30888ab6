"""`found`: what is absent, and what is only not known everywhere yet."""

from pipeline.applying.aws_client import AwsClient
from tests.support.aws import FakeClock
from tests.support.fake_transport import FakeTransport, refused


def test_absent_although_this_run_made_it(clock: FakeClock) -> None:
    """A role that this run made may be gone again: that is found out, not waited for without end."""
    absent = refused("iam:GetRole", "NoSuchEntity", "The role with name orders cannot be found.", status=404)
    aws = AwsClient(FakeTransport({"iam:GetRole": [absent]}), clock)
    aws.call("iam", "CreateRole", RoleName="orders")
    assert aws.found("iam", "GetRole", RoleName="orders") is None
    assert clock.slept, "it was given time to become known"


def test_what_a_new_function_lacks_is_told_at_once(clock: FakeClock) -> None:
    absent = refused("lambda:GetFunction", "ResourceNotFoundException", "Function not found: ...:live", status=404)
    aws = AwsClient(FakeTransport({"lambda:GetFunction": [absent]}), clock)
    aws.call("lambda", "CreateFunction", FunctionName="orders")
    assert aws.found("lambda", "GetFunction", FunctionName="orders", Qualifier="live") is None
    assert clock.slept == []
