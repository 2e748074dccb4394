"""`make bench`: what the defaults, each of them turned off, and the article's settings carry, and how long things take.

- `sink` measures Connect workers without VMs: `variants` has the settings, `site` runs a worker, `consumer` the limit.
- `stack` measures a whole local stack: `pulumi up`, boot, delays.
- `figures` and `goals` are made from the samples; `report` and `html_page` show them.
- `workers` is a measurement of its own: what more workers and tasks are worth.
"""
