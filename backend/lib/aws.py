"""boto3, made on first use and kept for the life of the function's process.

Region, credentials and endpoint are boto3's own affair: the environment that the function runs in says them.
boto3 is imported where it is first needed, so that importing a handler stays cheap.
"""

from __future__ import annotations

import os
from functools import cache
from typing import Any


@cache
def table(name: str) -> Any:
    """The DynamoDB table `<SERVICE_NAME>-<name>`."""
    import boto3

    return boto3.resource("dynamodb").Table(f"{os.environ['SERVICE_NAME']}-{name}")


@cache
def sns() -> Any:
    """The client that publishes to topics."""
    import boto3

    return boto3.client("sns")


@cache
def bedrock() -> Any:
    """The client that streams answers; gives up well before API Gateway and the function do."""
    import boto3
    from botocore.config import Config

    patience = Config(connect_timeout=3, read_timeout=20, retries={"total_max_attempts": 2})
    return boto3.client("bedrock-runtime", config=patience)


@cache
def gateway(endpoint: str) -> Any:
    """The client that writes to the WebSocket connections of the API at `endpoint`."""
    import boto3

    return boto3.client("apigatewaymanagementapi", endpoint_url=endpoint)
