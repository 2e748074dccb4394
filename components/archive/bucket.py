"""AuditLogArchive: the organisation's own bucket, and what guards it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components import policies


@dataclass(frozen=True)
class AuditLogArchiveArgs:
    """`sentinel_keys`: the empty objects that stand under each prefix before Logz.io is told of it.

    `retention_days`: prefix -> days after which what is below it is deleted, but for the empty objects.
    `object_lock_days`: S3 Object Lock in compliance mode, with versioning; never together with
    `destroy_with_data`, which the settings hold.
    """

    bucket: str
    sentinel_keys: Sequence[str]
    tags: Mapping[str, str]
    retention_days: Mapping[str, int]
    kms_key_arn: str | None = None
    destroy_with_data: bool = False
    adopt_existing: bool = False
    object_lock_days: int | None = None


# An object in S3 takes ten tags, other resources fifty: with the tags that an organisation gives to everything
# (aws:defaultTags), an object would have too many. The settings see to it that its own are no more than ten.
NO_DEFAULT_TAGS = aws.s3.BucketObjectv2OverrideProviderArgs(
    default_tags=aws.s3.BucketObjectv2OverrideProviderDefaultTagsArgs(tags={})
)


class AuditLogArchive(pulumi.ComponentResource):
    """A private, encrypted bucket that is reached through TLS only and outlives the stack by default.

    Outputs: `bucket` (name), `arn`.
    """

    bucket: pulumi.Output[str]
    arn: pulumi.Output[str]

    def __init__(
        self, name: str, args: AuditLogArchiveArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("logexporter:archive:AuditLogArchive", name, None, opts)
        self._args = args
        bucket = aws.s3.Bucket(
            name,
            bucket=args.bucket,
            force_destroy=args.destroy_with_data,
            # None rather than False: a bucket that has a lock never loses it.
            object_lock_enabled=True if args.object_lock_days is not None else None,
            tags=dict(args.tags),
            # The plugin would replace the bucket; S3 takes the lock's configuration on an existing one too.
            opts=pulumi.ResourceOptions.merge(
                self._kept(),
                pulumi.ResourceOptions(
                    ignore_changes=["objectLockEnabled"],
                    # Of the bucket alone: to make a guard is to put its configuration, whatever was there before.
                    import_=args.bucket if args.adopt_existing else None,
                ),
            ),
        )
        guards = self._guards(name, bucket)
        for key in args.sentinel_keys:
            aws.s3.BucketObjectv2(
                f"{name}-{key}",
                bucket=bucket.bucket,
                key=key,
                content="",
                content_type="application/octet-stream",
                tags=dict(args.tags),
                override_provider=NO_DEFAULT_TAGS,
                opts=pulumi.ResourceOptions(
                    parent=self,
                    depends_on=guards,
                    # They stay with the bucket. It may be locked, or have been: S3 would refuse to delete them.
                    retain_on_delete=not args.destroy_with_data,
                    # The bucket gives them; without this, the plugin would try to take them away again.
                    ignore_changes=["objectLockMode", "objectLockRetainUntilDate"],
                ),
            )
        self.bucket = bucket.bucket
        self.arn = bucket.arn
        self.register_outputs({"bucket": self.bucket, "arn": self.arn})

    def _guards(self, name: str, bucket: aws.s3.Bucket) -> list[pulumi.Resource]:
        args = self._args
        public_access = aws.s3.BucketPublicAccessBlock(
            f"{name}-public-access",
            bucket=bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._kept(),
        )
        ownership = aws.s3.BucketOwnershipControls(
            f"{name}-ownership",
            bucket=bucket.bucket,
            rule=aws.s3.BucketOwnershipControlsRuleArgs(object_ownership="BucketOwnerEnforced"),
            opts=self._kept(),
        )
        encryption = aws.s3.BucketServerSideEncryptionConfiguration(
            f"{name}-encryption",
            bucket=bucket.bucket,
            rules=[_encryption_rule(args.kms_key_arn)],
            opts=self._kept(),
        )
        lifecycle = aws.s3.BucketLifecycleConfiguration(
            f"{name}-lifecycle",
            bucket=bucket.bucket,
            rules=_lifecycle_rules(args.retention_days, locked=args.object_lock_days is not None),
            opts=self._kept(),
        )
        policy = aws.s3.BucketPolicy(
            f"{name}-policy",
            bucket=bucket.bucket,
            policy=policies.to_json(policies.bucket(args.bucket, args.kms_key_arn)),
            # S3 refuses two changes of a bucket's access at the same time.
            opts=self._kept(depends_on=[public_access]),
        )
        guards: list[pulumi.Resource] = [public_access, ownership, encryption, lifecycle, policy]
        if args.object_lock_days is not None:
            guards += self._lock(name, bucket, args.object_lock_days)
        return guards

    def _lock(self, name: str, bucket: aws.s3.Bucket, days: int) -> list[pulumi.Resource]:
        """Versioning, without which S3 has no lock, and the retention that each new object takes."""
        versioning = aws.s3.BucketVersioning(
            f"{name}-versioning",
            bucket=bucket.bucket,
            versioning_configuration=aws.s3.BucketVersioningVersioningConfigurationArgs(status="Enabled"),
            opts=self._kept(),
        )
        lock = aws.s3.BucketObjectLockConfiguration(
            f"{name}-object-lock",
            bucket=bucket.bucket,
            rule=aws.s3.BucketObjectLockConfigurationRuleArgs(
                default_retention=aws.s3.BucketObjectLockConfigurationRuleDefaultRetentionArgs(
                    mode="COMPLIANCE", days=days
                )
            ),
            opts=self._kept(depends_on=[versioning]),
        )
        return [versioning, lock]

    def _kept(self, depends_on: Sequence[pulumi.Resource] = ()) -> pulumi.ResourceOptions:
        """Bucket and guards stay together at destroy."""
        return pulumi.ResourceOptions(
            parent=self,
            depends_on=depends_on,
            retain_on_delete=not self._args.destroy_with_data,
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
        # As the bucket policy; S3 sets it by itself on buckets of 2026 and later, and what is not said here would be a
        # difference at each refresh.
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
                # What expired leaves a marker behind, which every listing would go through; S3 takes this in no rule
                # with a size.
                expiration=aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(
                    expired_object_delete_marker=True
                ),
            )
        )
    return rules


def _retention_rule(prefix: str, days: int, *, locked: bool) -> aws.s3.BucketLifecycleConfigurationRuleArgs:
    """By prefix, as the VM's files must not expire."""
    return aws.s3.BucketLifecycleConfigurationRuleArgs(
        id=f"retention-{prefix.rstrip('/')}",
        status="Enabled",
        filter=aws.s3.BucketLifecycleConfigurationRuleFilterArgs(
            and_=aws.s3.BucketLifecycleConfigurationRuleFilterAndArgs(
                prefix=prefix,
                # The empty sentinels must outlive the events: a prefix of Logz.io is never to be empty. Not 0: whether
                # S3 takes it is documented nowhere, and versions of the plugin differ in sending it.
                object_size_greater_than=1,
            )
        ),
        expiration=aws.s3.BucketLifecycleConfigurationRuleExpirationArgs(days=days),
        # Where objects have versions, expiration only hides the newest one. Without the program's lock, a bucket may
        # have them from an earlier one, or by its owner's will: then they get as much time again.
        noncurrent_version_expiration=(
            aws.s3.BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs(
                noncurrent_days=1 if locked else days
            )
        ),
    )
