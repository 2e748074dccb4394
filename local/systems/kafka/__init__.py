"""Kafka clusters of the local stack, each a real broker.

- The audit-log cluster: ordinary keys may only read from it.
- The organisation's own cluster, for a stack in mode distributed: a key may only do what an access rule for its owner
  allows, and the confluentcloud stand-in makes these.
"""
