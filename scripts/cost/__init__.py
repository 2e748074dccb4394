"""A month's cost of a stack, from its stack file: no account, no credentials, no network.

- `prices` is the one table of prices. `plan` has what a stack pays for, from its settings, and the same for the
  article's settings.
- `sink` says how many requests and bytes the S3 sink makes, `estimate` puts prices on all of it, `levers` what other
  settings would save.
- `report` is all that the command says, `output` prints it, `page` writes the tables of docs/cost.md.
"""
