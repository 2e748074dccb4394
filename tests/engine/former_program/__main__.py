"""A program for the test of `former`: exports what it is told to, and warns of a change of the consumer group."""

import pulumi

from components import former

config = pulumi.Config()
warning = former.group_warning(former.outputs(), config.require("group"), "sink")
if warning:
    pulumi.log.warn(warning)
pulumi.export("instanceId", "i-0123456789abcdef0")
if config.get_bool("exportsGroup"):
    pulumi.export(former.CONSUMER_GROUP, config.require("group"))
