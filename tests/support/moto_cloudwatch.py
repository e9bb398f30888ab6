"""Composite alarms, which moto does not make, and what AWS refuses of them.

Registered by `tests.support.moto_extension`. State is moto's own.
"""

import re
from typing import Any

from moto.cloudwatch import urls
from moto.cloudwatch.exceptions import ValidationError
from moto.cloudwatch.responses import CloudWatchResponse

from tests.support import moto_canary

_NAMED = re.compile(r'(?:ALARM|OK|INSUFFICIENT_DATA)\("([^"]+)"\)')


def register() -> None:
    """Puts the responses below under moto's addresses."""
    for path, handler in list(urls.url_paths.items()):
        if handler in (CloudWatchResponse.dispatch, moto_canary.CloudWatch.dispatch):
            urls.url_paths[path] = CloudWatch.dispatch


class CloudWatch(moto_canary.CloudWatch):
    """Alarms."""

    def put_composite_alarm(self) -> Any:
        """AWS wants the alarms that the rule looks at, and ignores tags of an alarm that is there."""
        known = {alarm.name for alarm in self.cloudwatch_backend.describe_alarms()}
        missing = {*_NAMED.findall(self._get_param("AlarmRule"))} - known
        if missing:
            raise ValidationError(f"Alarms in the rule do not exist: {', '.join(sorted(missing))}")
        name = self._get_param("AlarmName")
        return self._kept_tags(name) if name in known else super().put_metric_alarm()

    def put_metric_alarm(self) -> Any:
        """AWS ignores tags of an alarm that is there, and keeps those that it has."""
        name = self._get_param("AlarmName")
        known = {alarm.name for alarm in self.cloudwatch_backend.describe_alarms()}
        return self._kept_tags(name) if name in known else super().put_metric_alarm()

    def _kept_tags(self, name: str) -> Any:
        arn = self.cloudwatch_backend.alarms[name].alarm_arn
        before = dict(self.cloudwatch_backend.tagger.get_tag_dict_for_resource(arn))
        answer = super().put_metric_alarm()
        self.cloudwatch_backend.tagger.tag_resource(
            arn, [{"Key": key, "Value": value} for key, value in before.items()]
        )
        return answer

    def describe_alarms(self) -> Any:
        """AWS gives the kinds that are asked for, metric alarms alone without a word."""
        answer: Any = super().describe_alarms()
        kinds = self._get_param("AlarmTypes") or ["MetricAlarm"]
        return type(answer)(
            {name: found if name.removesuffix("s") in kinds else [] for name, found in answer.result.items()}
        )
