"""The stand-in of the confluentcloud plugin: API keys of the audit-log cluster, and what a fleet has in a cluster.

A service account's rights are real rules of the broker, and a topic is a real topic: made with the API key that the
program gives, so a key without the right is refused by the broker itself. A key logs in as itself, and the broker takes
its owner for the principal. CloudClusterAdmin, the one role that is known, is the right to everything on topics, groups
and access rules of the cluster. It holds at once; in Confluent Cloud it takes a while (the real plugin waits 90 s).

Property names and behaviour are those of pulumi-confluentcloud 2.87: a test holds the names against the SDK, and
`python -m local claims` says where the behaviour was read.
"""
