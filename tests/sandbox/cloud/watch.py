#!/usr/bin/env python3
"""Let queues listen to every decision and every alert of the local cloud's stacks.

Each argument is ACCOUNT=STACK. Prints a list of {account, decisions, alerts}: the queues' URLs.
"""

from __future__ import annotations

import argparse
import json

from clients import LocalCloud

LISTENER = "tidegate-watch"


def main() -> None:
    """Set the queues up and print them."""
    options = _options()
    queues = []
    for pair in options.stacks:
        account, stack = pair.split("=", 1)
        cloud = LocalCloud(options.url, account, options.region)
        queues.append({
            "account": account,
            "decisions": hear_decisions(cloud, stack),
            "alerts": hear_alerts(cloud, stack, options.region),
        })
    print(json.dumps(queues))


def hear_decisions(cloud: LocalCloud, stack: str) -> str:
    """A queue that gets every `Decision Recorded` of the stack's bus."""
    url, arn = make_queue(cloud, f"{LISTENER}-{stack}-decisions", "events.amazonaws.com")
    events = cloud.client("events")
    pattern = {"source": ["tidegate"], "detail-type": ["Decision Recorded"]}
    events.put_rule(Name=LISTENER, EventBusName=stack, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=LISTENER, EventBusName=stack, Targets=[{"Id": "queue", "Arn": arn}])
    return url


def hear_alerts(cloud: LocalCloud, stack: str, region: str) -> str:
    """A queue that gets every message of the stack's alert topic."""
    url, arn = make_queue(cloud, f"{LISTENER}-{stack}-alerts", "sns.amazonaws.com")
    topic = f"arn:aws:sns:{region}:{cloud.account}:{stack}-alerts"
    cloud.client("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    return url


def make_queue(cloud: LocalCloud, name: str, service: str) -> tuple[str, str]:
    """A queue that the service may write to: its URL and ARN."""
    sqs = cloud.client("sqs")
    url = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Service": service},
        "Action": "sqs:SendMessage",
        "Resource": arn,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": policy})
    return url, arn


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", required=True, help="where the local cloud listens")
    parser.add_argument("--region", default="us-east-1")
    parser.add_argument("stacks", nargs="+", metavar="ACCOUNT=STACK")
    return parser.parse_args()


if __name__ == "__main__":
    main()
