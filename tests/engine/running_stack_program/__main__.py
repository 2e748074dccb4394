"""A program for the test of `running_stack`: exports its settings, and warns of a change of the consumer group."""

import pulumi

from components import running_stack

config = pulumi.Config()
warning = running_stack.group_warning(running_stack.read(), config.require("group"), "sink")
if warning:
    pulumi.log.warn(warning)
pulumi.export("instanceIds", ["i-0123456789abcdef0"])
if config.get_bool("exportsGroup"):
    pulumi.export(running_stack.CONSUMER_GROUP, config.require("group"))
