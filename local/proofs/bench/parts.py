"""The parts of a run."""

from enum import StrEnum


class Part(StrEnum):
    """What can be measured by itself; each one has a folder of its own below the run's."""

    SINK = "sink"
    STACK = "stack"
    DEMO = "demo"
