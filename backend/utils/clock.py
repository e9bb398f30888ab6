"""Points in time as the tables keep them: text that sorts by time, and seconds since 1970 for expiry."""

import time


def timestamp(seconds: float) -> str:
    """UTC with microseconds, such as 2026-11-24T09:30:00.250000Z."""
    whole = int(seconds)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(whole)) + f".{int((seconds - whole) * 1e6):06d}Z"


def day(seconds: float) -> str:
    """The UTC date, such as 2026-11-24."""
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


def expiry(seconds: float, *, days: float) -> int:
    """When DynamoDB may delete an item written now, in seconds since 1970."""
    return int(seconds + days * 86400)
