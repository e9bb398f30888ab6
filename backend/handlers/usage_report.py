"""How much was used the day before: told to a topic every night, and to whoever asks for it."""

from __future__ import annotations

import json
import os
import time
from typing import Any

from lib import aws
from lib.rest import Event
from src.usage import Usage
from utils import log
from utils.clock import day

DAY = 24 * 60 * 60


def handler(event: Event, context: Any) -> dict[str, Any]:
    """Entry point for EventBridge's schedule, for the HTTP API and for the function's own URL."""
    report = Usage(aws.table("usage")).total(day(time.time() - DAY))
    if "requestContext" in event:
        headers = {"Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store"}
        return {"statusCode": 200, "headers": headers, "body": json.dumps(report)}
    aws.sns().publish(TopicArn=os.environ["REPORTS_TOPIC"], Subject=f"Usage of {report['date']}", Message=_text(report))
    log.info("reported", request_id=context.aws_request_id, **report)
    return report


def _text(report: dict[str, Any]) -> str:
    lines = [f"{name.replace('_', ' ')}: {value}" for name, value in report.items()]
    return "\n".join(lines) + "\n"
