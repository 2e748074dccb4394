"""Faults injected into a running local stack while events flow: what is lost, what comes twice, how long it takes.

- `faults` is the table of what goes wrong; `stage` is what a fault can lay its hands on.
- `ledger` counts the copies of every event in the bucket and in Logz.io, row by row.
- `run` strikes one fault after the other; `report` shows what it found.
"""
