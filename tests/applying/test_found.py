"""`found`: what is absent, and what is only not known everywhere yet."""

from pipeline.applying.aws_client import AwsClient
from tests.support.aws import FakeClock
from tests.support.fake_transport import FakeTransport, refused


def test_absent_although_this_run_made_what_it_belongs_to(clock: FakeClock) -> None:
    """A function that this run created may still lack an alias: that is found out, not waited for without end."""
    absent = refused("lambda:GetFunction", "ResourceNotFoundException", status=404)
    aws = AwsClient(FakeTransport({"lambda:GetFunction": [absent]}), clock)
    aws.call("lambda", "CreateFunction", FunctionName="orders")
    assert aws.found("lambda", "GetFunction", FunctionName="orders", Qualifier="live") is None
    assert clock.slept, "it was given time to become known"
