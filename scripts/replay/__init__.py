"""Sends archived events to Logz.io's listener.

- `selection` says which events are sent, `event_format` which fields an event has in Logz.io, `batch` what fits in a
  request (all pure).
- `progress` records in a file how far a run came, so that the next run continues there.
- `run` reads events, asks Logz.io which of them it has, and sends the others.
"""
