"""Sends archived events to Logz.io's listener.

- `selection` names what is sent, `form` the fields that an event has in Logz.io, `batches` what fits in a request
  (all pure).
- `progress` remembers in a file how far a run came, so that the next one goes on there.
- `run` reads, asks Logz.io what it has, and sends the rest.
"""
