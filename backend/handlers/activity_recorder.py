"""What goes on: changes of conversations from the table's stream, and what other services tell through a queue."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lib.rest import Event
from utils import log


def handler(event: Event, context: Any) -> dict[str, Any]:
    """Entry point for Lambda's event sources; only the records that failed come again.

    https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html#services-sqs-batchfailurereporting
    """
    records = event.get("Records", [])
    log.info("records", count=len(records), request_id=context.aws_request_id)
    failed = [_identifier(record) for record in records if not _recorded(record)]
    return {"batchItemFailures": [{"itemIdentifier": identifier} for identifier in failed]}


def _recorded(record: Mapping[str, Any]) -> bool:
    """Writes down who did what, without what was said; False when the record is not understood."""
    try:
        log.info("activity", **_told(record))
    except (KeyError, TypeError, ValueError) as error:
        log.warning("not understood", record=_identifier(record), kind=type(error).__name__)
        return False
    return True


def _identifier(record: Mapping[str, Any]) -> str:
    return str(record.get("messageId") or record.get("dynamodb", {}).get("SequenceNumber"))


def _told(record: Mapping[str, Any]) -> dict[str, str]:
    if record["eventSource"] == "aws:dynamodb":
        image = record["dynamodb"].get("NewImage") or record["dynamodb"].get("OldImage") or {}
        who = {name: image[name]["S"] for name in ("user_id", "conversation_id", "role") if name in image}
        return {"source": "conversations", "action": record["eventName"].lower(), **who}
    told = json.loads(record["body"])
    return {"source": str(told["service"]), "action": str(told["action"]), "user_id": str(told["user_id"])}
