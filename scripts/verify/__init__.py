"""Follows a stack's events from Kafka through the bucket into Logz.io, and reports where the chain is broken.

- `chains` names what is followed: consumer group, folder in the bucket, whether Logz.io reads it.
- `kafka`, `bucket` and `lookup` query the three systems; `collect` puts their answers into a report (`model`).
- `unread`, `delivery`, `registrations`, `index_failures` and `evaluate` interpret it (pure).
- `output` prints it, `html_page` makes a page of it, and `canary` publishes one figure of it.
"""
