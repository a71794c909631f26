"""CloudWatch alarms: evaluated by dimension and period, and told to EventBridge as AWS tells them.

Everything here was written for ministack 1.5.33, which evaluates an alarm over every metric of that name whatever its
dimensions, ignores periods without data, looks only when a metric is put, and emits no event when a state changes.
"""

from __future__ import annotations

import json
import logging
import os
import threading
import re
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

from ministack.core.responses import get_account_id, get_region, request_scope
from ministack.services import cloudwatch, sqs

import delivery

_log = logging.getLogger("tidegate.alarms")
_INITIAL_REASON = "Unchecked: Initial alarm creation"
_COMPARISONS = {
    "GreaterThanOrEqualToThreshold": ("greater than or equal to", lambda value, limit: value >= limit),
    "GreaterThanThreshold": ("greater than", lambda value, limit: value > limit),
    "LessThanThreshold": ("less than", lambda value, limit: value < limit),
    "LessThanOrEqualToThreshold": ("less than or equal to", lambda value, limit: value <= limit),
}

# The `state` block last told for an alarm ARN: it is the `previousState` of the next event.
_told: dict[str, dict[str, str]] = {}

# The state `evaluate` last found for an alarm ARN. Another state in the alarm was set by hand.
_evaluated: dict[str, str] = {}


def mend_all(tick_seconds: float) -> None:
    """Replace the evaluation, hook the one function every state change passes, and start the clock."""
    cloudwatch._evaluate_alarm = evaluate
    _mend_state_change()
    threading.Thread(target=_clock, args=(tick_seconds,), daemon=True, name="tidegate-alarm-clock").start()


def put_metrics(account: str, region: str, namespace: str, data: Sequence[Mapping[str, Any]]) -> None:
    """Store metric data in an account and evaluate the alarms on those metrics at once."""
    with request_scope(account, region):
        for datum in data:
            cloudwatch._store_datum(
                namespace,
                datum["MetricName"],
                _dimensions(datum),
                _epoch(datum.get("Timestamp")),
                datum.get("Unit", "None"),
                datum["Value"],
                None,
                None,
                None,
            )
        names = {datum["MetricName"] for datum in data}
        for alarm in list(cloudwatch._alarms.values()):
            if alarm.get("Namespace") == namespace and alarm.get("MetricName") in names:
                evaluate(alarm)


def evaluate(alarm: dict[str, Any]) -> None:
    """Give a metric alarm the state its last periods call for. Periods end now, so a new datum counts at once."""
    if alarm.get("ComparisonOperator") not in _COMPARISONS or not alarm.get("MetricName"):
        return
    _observe_queue(alarm)
    now = time.time()
    periods = int(alarm.get("EvaluationPeriods", 1))
    if alarm.get("TreatMissingData") == "breaching" and _is_young(alarm, now, periods):
        return
    values = [_value(alarm, now, index) for index in range(periods)]
    state, reason = _judge(alarm, values)
    _evaluated[alarm["AlarmArn"]] = state or alarm["StateValue"]
    if state is None or state == alarm["StateValue"]:
        return
    old_state = alarm["StateValue"]
    alarm["StateValue"] = state
    alarm["StateReason"] = reason
    alarm["StateReasonData"] = _reason_data(alarm, values, now)
    alarm["StateUpdatedTimestamp"] = int(now)
    cloudwatch._record_history(alarm["AlarmName"], old_state, state, reason)
    cloudwatch._dispatch_alarm_actions(alarm, old_state, state, reason)
    cloudwatch._evaluate_parent_alarms(alarm)


def _is_young(alarm: Mapping[str, Any], now: float, periods: int) -> bool:
    """Whether an alarm has not existed for its periods. Missing data from before its creation are not counted here.

    CloudWatch may count them: then an alarm with missing data that breach begins in ALARM and is OK after the first datum.
    """
    created = float(alarm.get("AlarmConfigurationUpdatedTimestamp") or 0)
    return now - created < float(alarm.get("Period", 60)) * periods


def _judge(alarm: Mapping[str, Any], values: Sequence[float | None]) -> tuple[str | None, str]:
    """The state for the values of the last periods (newest first) and the reason; None keeps the present state."""
    missing = alarm.get("TreatMissingData") or "missing"
    present = [value for value in values if value is not None]
    if not present and missing == "ignore":
        return None, ""
    if not present and missing == "missing":
        count = len(values)
        plural = "datapoint was" if count == 1 else "datapoints were"
        return "INSUFFICIENT_DATA", f"Insufficient Data: {count} {plural} unknown."
    words, breaches = _COMPARISONS[alarm["ComparisonOperator"]]
    threshold = float(alarm["Threshold"])
    breaching = [breaches(value, threshold) for value in present]
    if missing == "breaching":
        breaching += [True] * (len(values) - len(present))
    needed = int(alarm.get("DatapointsToAlarm") or alarm.get("EvaluationPeriods", 1))
    in_alarm = sum(breaching) >= needed
    negation = "" if in_alarm else "not "
    shown = ", ".join(str(value) for value in present) or "no datapoints"
    reason = (
        f"Threshold Crossed: {len(present)} out of the last {len(values)} datapoints [{shown}] "
        f"was {negation}{words} the threshold ({threshold})."
    )
    return ("ALARM" if in_alarm else "OK"), reason


def _value(alarm: Mapping[str, Any], now: float, index: int) -> float | None:
    """The alarm's statistic over one period; 0 is the period that ends now."""
    period = float(alarm.get("Period", 60))
    start, end = now - (index + 1) * period, now - index * period
    dimensions = cloudwatch._dims_from_list(alarm.get("Dimensions") or [])
    key = (alarm["Namespace"], alarm["MetricName"], cloudwatch._dims_key(dimensions))
    points = [point for point in list(cloudwatch._metrics.get(key) or []) if start < point["Timestamp"] <= end]
    if not points:
        return None
    statistic = alarm.get("ExtendedStatistic") or alarm.get("Statistic") or "Average"
    return cloudwatch._stat_value(cloudwatch._calc_stats(points), statistic, points)


def _observe_queue(alarm: Mapping[str, Any]) -> None:
    """Publish the depth of the queue an alarm watches: ministack 1.5.33 publishes no metrics for SQS."""
    if alarm.get("Namespace") != "AWS/SQS" or alarm.get("MetricName") != "ApproximateNumberOfMessagesVisible":
        return
    name = cloudwatch._dims_from_list(alarm.get("Dimensions") or []).get("QueueName", "")
    queue = sqs._queue_by_arn(f"arn:aws:sqs:{get_region()}:{get_account_id()}:{name}")
    if queue:
        depth = sum(1 for message in list(queue["messages"]) if message["visible_at"] <= time.time())
        cloudwatch.record_metric("AWS/SQS", alarm["MetricName"], depth, "Count", {"QueueName": name})


def _reason_data(alarm: Mapping[str, Any], values: Sequence[float | None], now: float) -> str:
    start = now - float(alarm.get("Period", 60)) * len(values)
    data = {
        "version": "1.0",
        "queryDate": _stamp(now),
        "startDate": _stamp(start),
        "statistic": alarm.get("ExtendedStatistic") or alarm.get("Statistic"),
        "period": alarm.get("Period"),
        "recentDatapoints": [value for value in values if value is not None],
        "threshold": alarm.get("Threshold"),
    }
    return json.dumps(data, separators=(",", ":"))


def _mend_state_change() -> None:
    """Every path that changes a state (evaluation, SetAlarmState, composites) ends in `_dispatch_alarm_actions`."""
    dispatch = cloudwatch._dispatch_alarm_actions

    def and_tell(alarm, old_state, new_state, reason):
        dispatch(alarm, old_state, new_state, reason)
        _emit(alarm, old_state)
        _wake_scaling_policies(alarm, new_state)

    cloudwatch._dispatch_alarm_actions = and_tell


def _emit(alarm: Mapping[str, Any], old_state: str) -> None:
    """Put "CloudWatch Alarm State Change" on the account's default bus, in the documented shape."""
    arn, now = alarm["AlarmArn"], time.time()
    previous = _told.get(arn) or {
        "reason": _INITIAL_REASON,
        "timestamp": _stamp(float(alarm.get("AlarmConfigurationUpdatedTimestamp") or now)),
        "value": old_state,
    }
    state = {"reason": alarm["StateReason"], "timestamp": _stamp(now), "value": alarm["StateValue"]}
    # SetAlarmState leaves the data of an earlier evaluation in the record; the event carries only its own.
    if alarm.get("StateReasonData") and alarm["StateReasonData"] != previous.get("reasonData"):
        state["reasonData"] = alarm["StateReasonData"]
    _told[arn] = state
    detail = {
        "alarmName": alarm["AlarmName"],
        "configuration": _configuration(alarm),
        "previousState": {**previous, "value": old_state},
        "state": state,
    }
    entry = {
        "Source": "aws.cloudwatch",
        "DetailType": "CloudWatch Alarm State Change",
        "Detail": json.dumps(detail),
        "Resources": [arn],
    }
    delivery.put_as_aws(get_account_id(), get_region(), entry)


def _configuration(alarm: Mapping[str, Any]) -> dict[str, Any]:
    configuration: dict[str, Any] = {}
    if alarm.get("AlarmDescription"):
        configuration["description"] = alarm["AlarmDescription"]
    if alarm.get("AlarmRule"):
        return {**configuration, "alarmRule": alarm["AlarmRule"]}
    stat = {
        "metric": {
            "dimensions": cloudwatch._dims_from_list(alarm.get("Dimensions") or []),
            "name": alarm.get("MetricName"),
            "namespace": alarm.get("Namespace"),
        },
        "period": alarm.get("Period"),
        "stat": alarm.get("ExtendedStatistic") or alarm.get("Statistic"),
    }
    if alarm.get("Unit"):
        stat["unit"] = alarm["Unit"]
    identifier = str(uuid.uuid5(uuid.NAMESPACE_URL, alarm["AlarmArn"]))
    configuration["metrics"] = [{"id": identifier, "metricStat": stat, "returnData": True}]
    return configuration


def _wake_scaling_policies(alarm: Mapping[str, Any], new_state: str) -> None:
    """Tell the world about each scaling policy among the actions; Application Auto Scaling lives there."""
    url = os.environ.get("TIDEGATE_WORLD_URL")
    actions = alarm.get({"ALARM": "AlarmActions", "OK": "OKActions"}.get(new_state, "InsufficientDataActions")) or []
    if not url or not alarm.get("ActionsEnabled", True):
        return
    for action in actions:
        if ":scalingPolicy:" in action:
            body = {
                "account": get_account_id(),
                "region": get_region(),
                "action_arn": action,
                "alarm_name": alarm["AlarmName"],
            }
            threading.Thread(target=_post, args=(f"{url}/_world/alarm-action", body), daemon=True).start()


def _post(url: str, body: Mapping[str, Any]) -> None:
    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=10):
            pass
    except (urllib.error.URLError, TimeoutError) as error:
        _log.error("the alarm action did not reach %s: %s", url, error)


def _clock(tick_seconds: float) -> None:
    """Evaluate every alarm of every account again and again, so that missing data and full queues are noticed."""
    while True:
        time.sleep(tick_seconds)
        for (account, region, _name), alarm in list(cloudwatch._alarms._data.items()):
            if _set_by_hand(alarm):
                continue
            with request_scope(account, region):
                try:
                    evaluate(alarm)
                except Exception:  # the clock must outlive one odd alarm
                    _log.exception("alarm %s could not be evaluated", alarm.get("AlarmName"))


def _set_by_hand(alarm: Mapping[str, Any]) -> bool:
    """Whether SetAlarmState chose the state less than a period ago; AWS lets it stand until the next evaluation."""
    chosen = alarm["StateValue"] != _evaluated.get(alarm["AlarmArn"], alarm["StateValue"])
    return chosen and time.time() - alarm["StateUpdatedTimestamp"] < float(alarm.get("Period", 60))


def _dimensions(datum: Mapping[str, Any]) -> dict[str, str]:
    given = datum.get("Dimensions") or []
    return dict(given) if isinstance(given, Mapping) else {each["Name"]: each["Value"] for each in given}


def _epoch(timestamp: Any) -> float:
    """Seconds; a time that cannot be read is an error, because ministack would stumble over it at every later call."""
    if timestamp is None:
        return time.time()
    # ministack reads microseconds; finer times are cut.
    text = re.sub(r"(\.\d{6})\d+", r"\1", timestamp) if isinstance(timestamp, str) else timestamp
    seconds = cloudwatch._parse_ts(text)
    if seconds is None:
        raise ValueError(f"{timestamp!r} is no time")
    return seconds


def _stamp(epoch: float) -> str:
    """CloudWatch's own format: milliseconds, and an offset without a colon."""
    at = datetime.fromtimestamp(epoch, tz=timezone.utc)
    return at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}+0000"
