"""Logz.io's side: one S3 registration per Kafka partition.

`registration` holds the components that a program uses, `provider` the dynamic providers behind them,
`client` the account API (no Pulumi) and `listener` what takes events, on `transport` (HTTP, retries), `errors` and
`redaction`; `search` holds the queries.
"""
