"""A bucket that outlives its stack, and the next stack that adopts it."""

import json
from pathlib import Path

from local.proofs.demo import stages
from local.stack import deployment, pulumi


def test_a_kept_bucket_stays_guarded_and_is_taken_over_by_the_next_up(tmp_path: Path) -> None:
    try:
        stack = stages.up(tmp_path, {"archive": {"destroyWithData": False}})
        pulumi.destroy(stack)

        s3 = stack.aws("s3")
        assert s3.get_public_access_block(Bucket=deployment.BUCKET)["PublicAccessBlockConfiguration"]
        assert json.loads(s3.get_bucket_policy(Bucket=deployment.BUCKET)["Policy"])["Statement"]

        stack.set("archive", "adoptExisting", True)
        pulumi.up(stack)
        pulumi.run(stack, "preview", "--stack", deployment.STACK, "--expect-no-changes", quiet=True)

        stack.set("archive", "adoptExisting", False)
        stack.set("archive", "destroyWithData", True)
        pulumi.up(stack)
        pulumi.destroy(stack)
        assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == []
    finally:
        deployment.end(tmp_path)
