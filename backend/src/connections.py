"""Open WebSocket connections, and writing to one."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from utils.clock import expiry, timestamp

KEPT_DAYS = 2 / 24  # API Gateway closes a connection after two hours: what is older was not said goodbye to


class Connections:
    """The table `websocket-connections`."""

    def __init__(self, table: Any, clock: Callable[[], float] = time.time) -> None:
        self._table = table
        self._clock = clock

    def open(self, connection_id: str, user_id: str) -> None:
        """Remembers whose connection this is."""
        now = self._clock()
        item = {"connection_id": connection_id, "user_id": user_id, "connected_at": timestamp(now)}
        self._table.put_item(Item={**item, "ttl": expiry(now, days=KEPT_DAYS)})

    def user(self, connection_id: str) -> str:
        """Whose connection this is; empty when it is not known."""
        found = self._table.get_item(Key={"connection_id": connection_id}, ConsistentRead=True)
        return str(found.get("Item", {}).get("user_id", ""))

    def close(self, connection_id: str) -> None:
        """Forgets a connection; quiet when it is forgotten already."""
        self._table.delete_item(Key={"connection_id": connection_id})


class Wire:
    """The way to one browser. `open` turns False once it has gone; what is sent after that is dropped."""

    def __init__(self, gateway: Any, connection_id: str) -> None:
        self._gateway = gateway
        self._connection_id = connection_id
        self.open = True

    def send(self, message: dict[str, Any]) -> None:
        """Posts one JSON message."""
        if not self.open:
            return
        data = json.dumps(message, ensure_ascii=False).encode()
        try:
            self._gateway.post_to_connection(ConnectionId=self._connection_id, Data=data)
        except self._gateway.exceptions.GoneException:
            self.open = False
