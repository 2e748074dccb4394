"""The mark of the tests that `make test` leaves out and `make test-long` runs."""

import os

import pytest

LONG = pytest.mark.skipif(os.environ.get("LONG") != "1", reason="make test-long")
