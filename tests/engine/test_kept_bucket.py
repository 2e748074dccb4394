"""A bucket that outlives its stack, and the next stack that adopts it."""

import json
from pathlib import Path

from local.stack import deployment, lifecycle


def test_a_kept_bucket_stays_guarded_and_is_taken_over_by_the_next_up(tmp_path: Path) -> None:
    try:
        stack = lifecycle.up(tmp_path, {"archive": {"destroyWithData": False}})
        stack.destroy()

        s3 = stack.aws("s3")
        assert s3.get_public_access_block(Bucket=deployment.BUCKET)["PublicAccessBlockConfiguration"]
        assert json.loads(s3.get_bucket_policy(Bucket=deployment.BUCKET)["Policy"])["Statement"]

        stack.set("archive", "adoptExisting", True)
        stack.up()
        stack.pulumi("preview", "--expect-no-changes")

        stack.set("archive", "adoptExisting", False)
        stack.set("archive", "destroyWithData", True)
        stack.up()
        stack.destroy()
        assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == []
    finally:
        lifecycle.end(tmp_path)
