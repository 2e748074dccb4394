"""Topics of SNS, their policies and their subscriptions."""

import json

from local.systems.plugins.aws.connection import Connection, tag_changes, tag_list, tag_map, void
from local.systems.plugins.sources import terraform_aws, terraform_aws_5
from local.systems.plugins.stand_in import Created, Kind, Property
from local.systems.plugins.values import Plain

_VERSION = "text of 2026, 00a3530"

_DEFAULT_ACTIONS = (
    "AddPermission",
    "DeleteTopic",
    "GetTopicAttributes",
    "ListSubscriptionsByTopic",
    "Publish",
    "Receive",
    "RemovePermission",
    "SetTopicAttributes",
    "Subscribe",
)


def _create_topic(aws: Connection, inputs: Plain) -> Created:
    topic = aws.client("sns").create_topic(Name=inputs["name"], Tags=tag_list(inputs.get("tags")))
    return Created(topic["TopicArn"])


def _read_topic(aws: Connection, arn: str, _state: Plain) -> Plain:
    sns = aws.client("sns")
    attributes = sns.get_topic_attributes(TopicArn=arn)["Attributes"]
    return {
        "id": arn,
        "arn": arn,
        "name": arn.rpartition(":")[2],
        "owner": attributes["Owner"],
        "tags": tag_map(sns.list_tags_for_resource(ResourceArn=arn)["Tags"]),
    }


def _update_topic(aws: Connection, arn: str, state: Plain, inputs: Plain) -> None:
    sns = aws.client("sns")
    wanted, unwanted = tag_changes(state, inputs)
    sns.untag_resource(ResourceArn=arn, TagKeys=unwanted)
    sns.tag_resource(ResourceArn=arn, Tags=tag_list(wanted))


def _put_policy(aws: Connection, arn: str, policy: str) -> None:
    aws.client("sns").set_topic_attributes(TopicArn=arn, AttributeName="Policy", AttributeValue=policy)


def _create_policy(aws: Connection, inputs: Plain) -> Created:
    _put_policy(aws, inputs["arn"], inputs["policy"])
    return Created(inputs["arn"])


def _read_policy(aws: Connection, arn: str, _state: Plain) -> Plain:
    attributes = aws.client("sns").get_topic_attributes(TopicArn=arn)["Attributes"]
    return {"id": arn, "arn": arn, "owner": attributes["Owner"], "policy": attributes["Policy"]}


def _delete_policy(aws: Connection, arn: str, state: Plain) -> None:
    """Puts the default policy back: a topic always has a policy."""
    default = {
        "Version": "2008-10-17",
        "Id": "__default_policy_ID",
        "Statement": [
            {
                "Sid": "__default_statement_ID",
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": [f"SNS:{action}" for action in _DEFAULT_ACTIONS],
                "Resource": arn,
                "Condition": {"StringEquals": {"AWS:SourceOwner": state["owner"]}},
            }
        ],
    }
    _put_policy(aws, arn, json.dumps(default))


def _subscribe(aws: Connection, inputs: Plain) -> Created:
    """The plugin does not wait for the confirmation of an address. moto takes it as confirmed at once."""
    subscription = aws.client("sns").subscribe(
        TopicArn=inputs["topic"],
        Protocol=inputs["protocol"],
        Endpoint=inputs["endpoint"],
        # The ARN also of a subscription that is not confirmed.
        ReturnSubscriptionArn=True,
    )
    return Created(subscription["SubscriptionArn"])


def _read_subscription(aws: Connection, arn: str, _state: Plain) -> Plain:
    found = aws.client("sns").get_subscription_attributes(SubscriptionArn=arn)["Attributes"]
    return {
        "id": arn,
        "arn": arn,
        "topic": found["TopicArn"],
        "protocol": found["Protocol"],
        "endpoint": found["Endpoint"],
        "ownerId": found["Owner"],
        "pendingConfirmation": found["PendingConfirmation"] == "true",
    }


KINDS: dict[str, Kind[Connection]] = {
    "aws:sns/topic:Topic": Kind(
        properties={"name": Property(replaces=True, computed=True), "tags": Property()},
        auto_name="name",
        outputs=("arn", "owner", "tagsAll"),
        create=_create_topic,
        read=_read_topic,
        update=_update_topic,
        delete=lambda aws, arn, _state: void(aws.client("sns").delete_topic(TopicArn=arn)),
        source=terraform_aws("sns/topic.go", _VERSION),
    ),
    "aws:sns/topicPolicy:TopicPolicy": Kind(
        properties={
            "arn": Property(required=True, replaces=True),
            "policy": Property(required=True, document=True),
        },
        outputs=("owner",),
        create=_create_policy,
        read=_read_policy,
        update=lambda aws, arn, _state, inputs: _put_policy(aws, arn, inputs["policy"]),
        delete=_delete_policy,
        source=terraform_aws("sns/topic_policy.go", _VERSION),
    ),
    "aws:sns/topicSubscription:TopicSubscription": Kind(
        properties={
            "topic": Property(required=True, replaces=True),
            "protocol": Property(required=True, replaces=True),
            "endpoint": Property(required=True, replaces=True),
        },
        outputs=("arn", "ownerId", "pendingConfirmation"),
        create=_subscribe,
        read=_read_subscription,
        # In AWS a subscription that is not confirmed stays; the plugin forgets it, and AWS deletes it after 48 hours.
        delete=lambda aws, arn, _state: void(aws.client("sns").unsubscribe(SubscriptionArn=arn)),
        source=terraform_aws_5("sns/topic_subscription.go", "04a2e6e"),
    ),
}
