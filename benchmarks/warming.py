"""Calls every service once that the benchmark needs, and leaves nothing. A process of its own: botocore is large."""

import sys

import botocore.session
from botocore.config import Config

CALLS = (
    ("sts", "get_caller_identity"),
    ("s3", "list_buckets"),
    ("iam", "list_roles"),
    ("dynamodb", "list_tables"),
    ("lambda", "list_functions"),
    ("apigateway", "get_rest_apis"),
    ("logs", "describe_log_groups"),
)


def main(url: str) -> None:
    """Makes the calls."""
    session = botocore.session.Session()
    session.set_credentials("123456789012", "test")
    for service, method in CALLS:
        client = session.create_client(
            service, region_name="us-east-1", endpoint_url=url, config=Config(retries={"total_max_attempts": 1})
        )
        getattr(client, method)()


if __name__ == "__main__":
    main(sys.argv[1])
