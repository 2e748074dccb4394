"""Faults injected into a running local stack while events flow: what is lost, what comes twice, how long it takes.

- `run` injects one fault after the other and counts what each place lacks.
- `report` shows what it found; `html_page` makes report.html of it, `page` the page of the documentation.
"""
