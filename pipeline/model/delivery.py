"""How releases are delivered and kept: settings of pipeline.yaml as values."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Retention:
    """For how long one can roll back: to the last `releases`, and to whatever served within the last `days`."""

    releases: int = 10
    days: int = 30
