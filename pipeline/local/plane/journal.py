"""What the plane measures and logs, written to the emulator in batches: requests never wait for it.

Whoever asks for metrics or logs afterwards finds everything: the front empties the journal before it passes such a
request on.
"""

import asyncio
import contextlib
import hashlib
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from pipeline.local.plane.caller import Caller
from pipeline.local.plane.emulator import Call, Emulator

_SECONDS = 0.5
_DATA_PER_CALL = 500
_FORM = (("content-type", "application/x-www-form-urlencoded"),)


@dataclass(frozen=True)
class Metric:
    """One series: namespace, name, unit and dimensions, of an account and region."""

    caller: Caller
    namespace: str
    name: str
    unit: str
    dimensions: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class LogStream:
    """Where log lines go."""

    caller: Caller
    group: str
    stream: str


class Journal:
    """Gathers values and lines, and writes them half a second later, or when asked to."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._values: dict[Metric, list[float]] = defaultdict(list)
        self._lines: dict[LogStream, list[tuple[int, str]]] = defaultdict(list)
        self._streams: set[LogStream] = set()
        self._writing = asyncio.Lock()
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    def measure(self, metric: Metric, value: float) -> None:
        """Adds one value to a series."""
        self._values[metric].append(value)
        self._wake()

    def log(self, stream: LogStream, milliseconds: int, line: str) -> None:
        """Adds one line to a log stream, which is made when needed; its group must be there, else it is lost."""
        self._lines[stream].append((milliseconds, line))
        self._wake()

    def _wake(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_SECONDS, self._start)

    def _start(self) -> None:
        self._timer = None
        task = asyncio.get_running_loop().create_task(self.flush())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def flush(self) -> None:
        """Writes all that was gathered so far, and waits for what is being written."""
        async with self._writing:
            values, self._values = self._values, defaultdict(list)
            lines, self._lines = self._lines, defaultdict(list)
            by_target: dict[tuple[Caller, str], list[tuple[Metric, float]]] = defaultdict(list)
            for metric, measured in values.items():
                by_target[metric.caller, metric.namespace] += [(metric, value) for value in measured]
            for (caller, namespace), data in by_target.items():
                for start in range(0, len(data), _DATA_PER_CALL):
                    await self._put_metrics(caller, namespace, data[start : start + _DATA_PER_CALL])
            for stream, entries in lines.items():
                await self._put_lines(stream, entries)

    async def _put_metrics(self, caller: Caller, namespace: str, data: Sequence[tuple[Metric, float]]) -> None:
        """In the query protocol, which every emulator of CloudWatch understands."""
        form = {"Action": "PutMetricData", "Version": "2010-08-01", "Namespace": namespace}
        for number, (metric, value) in enumerate(data, 1):
            at = f"MetricData.member.{number}"
            form |= {f"{at}.MetricName": metric.name, f"{at}.Unit": metric.unit, f"{at}.Value": repr(value)}
            for i, (name, content) in enumerate(metric.dimensions, 1):
                form |= {f"{at}.Dimensions.member.{i}.Name": name, f"{at}.Dimensions.member.{i}.Value": content}
        call = Call(caller.at("monitoring"), "POST", "/", headers=_FORM, body=urlencode(form).encode())
        with contextlib.suppress(OSError):
            await self._emulator.call(call)

    async def _put_lines(self, stream: LogStream, entries: list[tuple[int, str]]) -> None:
        named = {"logGroupName": stream.group, "logStreamName": stream.stream}
        if stream not in self._streams:
            await self._logs(stream.caller, "CreateLogStream", named)
            self._streams.add(stream)
        events = [{"timestamp": when, "message": line} for when, line in sorted(entries)]
        await self._logs(stream.caller, "PutLogEvents", {**named, "logEvents": events})

    async def _logs(self, caller: Caller, operation: str, body: Mapping[str, object]) -> None:
        headers = (
            ("content-type", "application/x-amz-json-1.1"),
            ("x-amz-target", f"Logs_20140328.{operation}"),
        )
        call = Call(caller.at("logs"), "POST", "/", headers=headers, body=json.dumps(body).encode())
        with contextlib.suppress(OSError):
            await self._emulator.call(call)


def stream_name(*parts: str) -> str:
    """A stable name in the style of API Gateway's log streams: 32 hexadecimal digits."""
    return hashlib.sha256("/".join(parts).encode()).hexdigest()[:32]
