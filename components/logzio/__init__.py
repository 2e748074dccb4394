"""Everything about Logz.io: one S3 registration per Kafka partition, the identity that reads, and the API.

`registration` and `reader` have the components of the program, `provider` the dynamic providers behind them. `client`
(the account API, without Pulumi) and `listener` (which receives events) use `transport` (HTTP, retries), `errors` and
`redaction`; `search` has the queries, `facts` what Logz.io documents about itself.
"""
