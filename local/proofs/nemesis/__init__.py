"""Faults for a running local stack.

- `target` is what a fault can hit; `fault` what a row of the table is made of.
- `broker`, `vm`, `s3`, `logzio`, `fleet`, `distributed`, `operations` and `poison` inject faults, by what they hit;
  `table` lists them.
- `projection` says which alarms would fire if a fault lasted.
"""
