"""Alarms: those that can never go off, and those that have."""

from collections.abc import Iterator
from datetime import timedelta

from pipeline.diagnosing.finding import Check, Finding
from pipeline.diagnosing.patient import Patient

_QUIET = timedelta(days=1)


def alarms(patient: Patient) -> Iterator[Finding]:
    """An alarm that had no data for a day watches something that nobody reports; one that is in alarm says so."""
    declared = {alarm.name: alarm for alarm in patient.of("cloudwatch.alarm")}
    names = sorted(declared)
    for start in range(0, len(names), 100):
        found = patient.aws.pages("cloudwatch", "DescribeAlarms", "MetricAlarms", AlarmNames=names[start : start + 100])
        for alarm in found:
            address = declared[alarm["AlarmName"]].address
            if alarm["StateValue"] == "ALARM":
                fix = "look at what it watches (recent-errors, throttled-tables)"
                yield Finding(
                    f"{alarm['AlarmName']} is in alarm", "error", (str(alarm.get("StateReason", "")),), fix, address
                )
            elif alarm["StateValue"] == "INSUFFICIENT_DATA" and patient.now - alarm["StateUpdatedTimestamp"] > _QUIET:
                metric = f"{alarm.get('Namespace')} {alarm.get('MetricName')}"
                dimensions = ", ".join(f"{d['Name']}={d['Value']}" for d in alarm.get("Dimensions", ())) or "none"
                fix = "compare metric and dimensions with what CloudWatch has; an API's metrics need ApiName, and Stage"
                evidence = (metric, f"dimensions: {dimensions}")
                yield Finding(f"{alarm['AlarmName']} had no data for a day or more", "warning", evidence, fix, address)


CHECKS = (Check("alarms", "alarms have data, and none has gone off", alarms),)
