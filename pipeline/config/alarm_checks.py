"""Whether the alarms that a composite alarm looks at are declared. Pure."""

from collections.abc import Sequence

from pipeline.config.desired import Rendered
from pipeline.config.findings import Findings, Place, did_you_mean
from pipeline.resources._alarms import parts_of

COMPOSITE, KINDS = "cloudwatch.composite_alarm", ("cloudwatch.alarm", "cloudwatch.composite_alarm")


def check_alarms(rendered: Sequence[Rendered], findings: Findings) -> None:
    """Warns of names that nobody declares: CloudWatch takes them, and the alarm waits for one that may never be."""
    names = {item.address.partition("/")[2] for item in rendered if item.address and item.type in KINDS}
    for item in rendered:
        alarm = item.resource
        if alarm is None or alarm.type != COMPOSITE or item.derived:
            continue
        places = alarm.source.paths if alarm.source else {}
        for name in sorted(part for part in parts_of(alarm) - names if part and "${" not in part):
            line, column = places.get(("rule",), places.get(("any_of",), (item.place.line, item.place.column)))
            message = f"no alarm {name} is declared here{did_you_mean(name, names)}"
            hint = "declare it, or make sure that somebody else does"
            findings.warning(message, Place(item.place.file, line, column), hint=hint, address=item.address)
