"""CloudWatch alarms beside the figures: only what changed since the release began can be its doing. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

OK = "OK"
ALARM = "ALARM"


@dataclass(frozen=True)
class Alarm:
    """An alarm as it is now. `state` is CloudWatch's OK, ALARM or INSUFFICIENT_DATA; None when there is no such alarm.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/AlarmThatSendsEmail.html
    """

    name: str
    state: str | None


@dataclass(frozen=True)
class AlarmFindings:
    """What alarms say: newly `red`, `missing`, without data that they had before (`silent`), and what did not count.

    `before` is what to compare with the next time.
    """

    red: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    silent: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    before: Mapping[str, str] = field(default_factory=dict)


def judge_alarms(alarms: Iterable[Alarm], before: Mapping[str, str]) -> AlarmFindings:
    """Compares alarms with their state `before` the release (OK for those that are not in it).

    One that was red already is ignored until it was seen OK: otherwise nothing could be released that puts it right.
    """
    red, missing, silent, notes, known = [], [], [], [], dict(before)
    for alarm in alarms:
        if alarm.state is None:
            missing.append(f"there is no alarm {alarm.name}")
            continue
        earlier = known.setdefault(alarm.name, OK)
        if alarm.state == OK:
            known[alarm.name] = OK
        elif alarm.state == ALARM and earlier != ALARM:
            red.append(f"alarm {alarm.name} went red")
        elif earlier == OK:
            silent.append(f"alarm {alarm.name} has no data any more")
        else:
            now = "red" if alarm.state == ALARM else "without data"
            notes.append(f"alarm {alarm.name} is {now}, and was no better before this release: ignored")
    return AlarmFindings(tuple(red), tuple(missing), tuple(silent), tuple(notes), known)
