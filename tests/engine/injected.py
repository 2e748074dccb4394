"""What a run of `make chaos` must have found, in either mode."""

from local.proofs.chaos.report import Report


def recovered(report: Report, name: str) -> None:
    """The fault of this name lost nothing, and the pipeline recovered by itself."""
    row = next(row for row in report.rows if row.name == name)
    assert row.skipped is None
    assert row.produced > 0
    assert (row.lost_in_bucket, row.lost_in_logzio) == (0, 0), row
    assert row.seconds is not None, row


def complete(report: Report) -> None:
    """Every event has a right copy in the bucket and in Logz.io at the end, and its original."""
    assert report.missing_at_the_end == 0, report.details
    assert report.originals_missing == 0, report.details
