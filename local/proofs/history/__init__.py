"""What happened to each event: acknowledged by Kafka, in the topic, in the bucket, in Logz.io.

- `acknowledged` is the client's record of what Kafka accepted.
- `places` reads the topic, the bucket and Logz.io's store; `reader` brings a history up to date from them.
- `flow` says when the events of a history were at each place.
- `history` holds the copies of each event, `originals` the bytes of each record.
"""
