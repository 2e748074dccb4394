"""Nothing but the Logz.io part of the program: what its resources do is all that an engine test sees."""

import os

import pulumi

from components.logzio.registration import LogzioAccount, LogzioShipping, LogzioShippingArgs

given = pulumi.Config("shipping").require_object("args")

account = LogzioAccount("account", given["base_url"])
shipping = LogzioShipping(
    "logzio",
    LogzioShippingArgs(
        base_url=given["base_url"],
        bucket=given["bucket"],
        region=given.get("region", "us-west-2"),
        prefixes=[
            f"{given.get('topics_dir', 'topics')}/audit/partition={number}/" for number in given["partitions"]
        ],
        log_type=given.get("log_type", "confluent_audit"),
        add_object_key=given.get("add_object_key", False),
        adopt_existing=given.get("adopt_existing", False),
        role_arn=given.get("role_arn"),
        access_key=given.get("access_key"),
        secret_key=os.environ.get("SHIPPING_TEST_SECRET"),
    ),
)

pulumi.export("registrationIds", shipping.registration_ids)
pulumi.export("externalId", account.external_id)
