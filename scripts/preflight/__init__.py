"""Checks everything that `pulumi up` of a stack needs, before it is run.

- `target` reads the stack: its settings, its state if there is one, and the secrets at hand.
- `aws`, `audit_log`, `confluent_cloud`, `logzio` and `packages` ask the systems; `collect` asks all of them at once and
  puts their answers into a report (`model`).
- `evaluate` interprets it (pure), `output` prints it.
"""
