"""Endurance: faults and a person's operations, drawn at random, while an uneven load goes through a local stack.

- `kinds` has all that can be drawn; `operations` what a person does.
- `plan` draws a plan from a seed; `run` carries it out, while `watch` looks for secrets.
- `shrink` looks for a smaller plan that fails in the same way.
- `report` is the record of a run.
"""
