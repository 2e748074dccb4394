"""AuditLogArchive: the organisation's own bucket, and the resources that protect it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components import policies
from components.former_name import renamed


@dataclass(frozen=True)
class AuditLogArchiveArgs:
    """`sentinel_keys`: keys of the empty objects that each prefix has before it is registered in Logz.io.

    `retention_days`: prefix -> days after which the objects under it are deleted, except the empty ones.
    `object_lock_days`: S3 Object Lock in compliance mode, with versioning; never together with
    `destroy_with_data`, which the settings check.
    """

    bucket: str
    sentinel_keys: Sequence[str]
    tags: Mapping[str, str]
    retention_days: Mapping[str, int]
    kms_key_arn: str | None = None
    destroy_with_data: bool = False
    adopt_existing: bool = False
    object_lock_days: int | None = None


# An object in S3 can have ten tags, other resources fifty: with an organisation's tags for everything
# (aws:defaultTags), an object would have too many. The settings limit the object's own tags to ten.
NO_DEFAULT_TAGS = aws.s3.BucketObjectv2OverrideProviderArgs(
    default_tags=aws.s3.BucketObjectv2OverrideProviderDefaultTagsArgs(tags={})
)


class AuditLogArchive(pulumi.ComponentResource):
    """A private, encrypted bucket that accepts TLS only and outlives the stack by default.

    Outputs: `bucket` (name), `arn`.
    """

    bucket: pulumi.Output[str]
    arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: AuditLogArchiveArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("logexporter:archive:AuditLogArchive", name, None, opts)
        self._name, self._args = name, args
        bucket = aws.s3.Bucket(
            self._in_bucket(),
            bucket=args.bucket,
            force_destroy=args.destroy_with_data,
            # None, not False: a bucket with a lock never loses it.
            object_lock_enabled=True if args.object_lock_days is not None else None,
            tags=dict(args.tags),
            # The plugin would replace the bucket, but S3 also accepts the configuration of a lock on an existing bucket.
            opts=pulumi.ResourceOptions.merge(
                self._kept(),
                pulumi.ResourceOptions(
                    ignore_changes=["objectLockEnabled"],
                    # Only the bucket: creating a guard overwrites any configuration that was there before.
                    import_=args.bucket if args.adopt_existing else None,
                ),
            ),
        )
        guards = self._guards(bucket)
        for key in args.sentinel_keys:
            aws.s3.BucketObjectv2(
                self._in_bucket(key),
                bucket=bucket.bucket,
                key=key,
                content="",
                content_type="application/octet-stream",
                tags=dict(args.tags),
                override_provider=NO_DEFAULT_TAGS,
                opts=pulumi.ResourceOptions.merge(
                    # They stay with the bucket. It may be locked now or before: S3 would refuse to delete them.
                    self._kept(key, depends_on=guards),
                    # The bucket sets these; without this, the plugin would try to remove them.
                    pulumi.ResourceOptions(ignore_changes=["objectLockMode", "objectLockRetainUntilDate"]),
                ),
            )
        self.bucket = bucket.bucket
        self.arn = bucket.arn
        self.register_outputs({"bucket": self.bucket, "arn": self.arn})

    def _guards(self, bucket: aws.s3.Bucket) -> list[pulumi.Resource]:
        args = self._args
        public_access = aws.s3.BucketPublicAccessBlock(
            self._in_bucket("public-access"),
            bucket=bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._kept("public-access"),
        )
        ownership = aws.s3.BucketOwnershipControls(
            self._in_bucket("ownership"),
            bucket=bucket.bucket,
            rule=aws.s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
            opts=self._kept("ownership"),
        )
        encryption = aws.s3.BucketServerSideEncryptionConfiguration(
            self._in_bucket("encryption"),
            bucket=bucket.bucket,
            rules=[_encryption_rule(args.kms_key_arn)],
            opts=self._kept("encryption"),
        )
        lifecycle = aws.s3.BucketLifecycleConfiguration(
            self._in_bucket("lifecycle"),
            bucket=bucket.bucket,
            rules=_lifecycle_rules(args.retention_days, locked=args.object_lock_days is not None),
            opts=self._kept("lifecycle"),
        )
        policy = aws.s3.BucketPolicy(
            self._in_bucket("policy"),
            bucket=bucket.bucket,
            policy=policies.to_json(policies.bucket(args.bucket, args.kms_key_arn)),
            # S3 refuses two changes of a bucket's access at the same time.
            opts=self._kept("policy", depends_on=[public_access]),
        )
        guards: list[pulumi.Resource] = [public_access, ownership, encryption, lifecycle, policy]
        if args.object_lock_days is not None:
            guards += self._lock(bucket, args.object_lock_days)
        return guards

    def _lock(self, bucket: aws.s3.Bucket, days: int) -> list[pulumi.Resource]:
        """Versioning, which S3 requires for a lock, and the retention of each new object."""
        versioning = aws.s3.BucketVersioning(
            self._in_bucket("versioning"),
            bucket=bucket.bucket,
            versioning_configuration=aws.s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
            opts=self._kept("versioning"),
        )
        lock = aws.s3.BucketObjectLockConfiguration(
            self._in_bucket("object-lock"),
            bucket=bucket.bucket,
            rule=aws.s3.BucketObjectLockConfigurationRuleArgs(
                default_retention=aws.s3.BucketObjectLockConfigurationRuleDefaultRetentionArgs(
                    mode="COMPLIANCE", days=days
                )
            ),
            opts=self._kept("object-lock", depends_on=[versioning]),
        )
        return [versioning, lock]

    def _in_bucket(self, *what: str) -> str:
        """The logical name of the bucket, or of something in it.

        With the bucket's name in it, another bucket needs another resource, not a replacement of this one. If `up` fails
        then, a replaced bucket would wait to be deleted, and an `up` that takes it back would still have it deleted.
        """
        return "-".join((self._name, self._args.bucket, *what))

    def _kept(self, *what: str, depends_on: Sequence[pulumi.Resource] = ()) -> pulumi.ResourceOptions:
        """Options that keep the bucket, and what is in it, together at `destroy`."""
        return pulumi.ResourceOptions.merge(
            # The logical name that it had without the bucket's.
            renamed(self, "-".join((self._name, *what)), depends_on),
            pulumi.ResourceOptions(retain_on_delete=not self._args.destroy_with_data),
        )


def _encryption_rule(
    kms_key_arn: str | None,
) -> aws.s3.BucketServerSideEncryptionConfigurationRuleArgs:
    return aws.s3.BucketServerSideEncryptionConfigurationRuleArgs(
        apply_server_side_encryption_by_default=(
            aws.s3.BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs(
                sse_algorithm="AES256" if kms_key_arn is None else "aws:kms",
                kms_master_key_id=kms_key_arn,
            )
        ),
        # One data key serves many objects: a hundredth of the requests to KMS.
        bucket_key_enabled=kms_key_arn is not None,
        # The same as in the bucket policy. S3 sets it by itself on buckets of 2026 and later; without it here, each
        # refresh would show a difference.
        blocked_encryption_types=["SSE-C"],
    )


def _lifecycle_rules(
    retention_days: Mapping[str, int], *, locked: bool
) -> list[aws.s3.BucketLifecycleConfigurationRuleArgs]:
    rules = [
        aws.s3.BucketLifecycleConfigurationRuleArgs(
            id="drop-unfinished-uploads",
            status="Enabled",
            filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
            abort_incomplete_multipart_upload=(
                aws.s3.BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs(
                    days_after_initiation=7
                )
            ),
        )
    ]
    if retention_days:
        rules += [_retention_rule(prefix, days, locked=locked) for prefix, days in retention_days.items()]
        rules.append(
            aws.s3.BucketLifecycleConfigurationRuleArgs(
                id="drop-markers",
                status="Enabled",
                filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(prefix=""),
                # An expired object leaves a marker behind, which slows down every listing; S3 does not accept this in a
                # rule with a size.
                expiration=aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(
                    expired_object_delete_marker=True
                ),
            )
        )
    return rules


def _retention_rule(prefix: str, days: int, *, locked: bool) -> aws.s3.BucketLifecycleConfigurationRuleArgs:
    """A rule for a prefix, not for the whole bucket: the VM's files must not expire."""
    return aws.s3.BucketLifecycleConfigurationRuleArgs(
        id=f"retention-{prefix.rstrip('/')}",
        status="Enabled",
        filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(
            and_=aws.s3.BucketLifecycleConfigurationRuleFilterAndArgs(
                prefix=prefix,
                # The empty sentinels must outlive the events: a registered prefix must never be empty. Not 0: no
                # documentation says whether S3 accepts 0, and versions of the plugin differ in sending it.
                object_size_greater_than=1,
            )
        ),
        expiration=aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(days=days),
        # In a bucket with versions, expiration only hides the newest version. Without the program's lock, a bucket may
        # have versions from an earlier lock, or because its owner wants them: then these stay as long again.
        noncurrent_version_expiration=(
            aws.s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
                noncurrent_days=1 if locked else days
            )
        ),
    )
