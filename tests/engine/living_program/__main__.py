"""A program for the test of `living`: exports what it is told to, and warns of a change of the consumer group."""

import pulumi

from components import living

config = pulumi.Config()
warning = living.group_warning(living.read(), config.require("group"), "sink")
if warning:
    pulumi.log.warn(warning)
pulumi.export("instanceId", "i-0123456789abcdef0")
if config.get_bool("exportsGroup"):
    pulumi.export(living.CONSUMER_GROUP, config.require("group"))
