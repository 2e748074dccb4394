"""Follows a stack's events from Kafka through the bucket into Logz.io, and says where the chain is broken.

- `chains` names what is followed: consumer group, folder in the bucket, whether Logz.io reads it.
- `kafka`, `bucket` and `lookup` look; `look` puts together what they saw.
- `unread`, `registrations` and `judge` decide what it means (pure), on `model` and `events`.
- `screen` shows it.
"""
