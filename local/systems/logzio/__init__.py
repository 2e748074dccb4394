"""Logz.io on one machine: the account API, the S3 fetcher and the listener.

`python -m local.systems.logzio --state DIR --ready-file FILE [--aws-endpoint URL] [--port N]`

- `server` answers the account API as strictly as its description asks for, and `/_emulator/`.
- `requests` holds that description: fields, types, regions.
- `aws` tries keys and roles, as Logz.io does before it accepts a registration.
- `fetcher` reads the buckets in alphabetical order and never looks back.
- `indexing` gives each field its type of the day and marks what Logz.io could not index.
- `store` keeps registrations and events in SQLite (`DIR/logzio/store.sqlite`), so it may be restarted.
- `listener` takes events that are sent.
- `search` answers searches over the events.
"""
