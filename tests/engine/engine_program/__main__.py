"""A program for the engine's test: both stand-ins, a dynamic provider, secrets, a module of its own."""

import counter  # type: ignore[import-not-found]  # beside it, in the folder in which it runs
import pulumi
import pulumi_aws as aws
import pulumi_confluentcloud as confluent

config = pulumi.Config()
adopted = config.get("adopt")
bucket = aws.s3.Bucket(
    "archive",
    bucket=config.require("bucket"),
    # Whether it is to be emptied is no property of the bucket itself: nothing could adopt one with it set.
    force_destroy=adopted is None,
    opts=pulumi.ResourceOptions(import_=adopted),
)
aws.s3.BucketVersioning(
    "versions",
    bucket=bucket.bucket,
    versioning_configuration=aws.s3.BucketVersioningVersioningConfigurationArgs(
        status=config.get("versioning") or "Enabled"
    ),
)
user = aws.iam.User("writer")
key = aws.iam.AccessKey("writer", user=user.name)
aws.ssm.Parameter(
    "credentials",
    name="/test/credentials",
    type="SecureString",
    # Secret, because the key's secret part is.
    value=pulumi.Output.json_dumps({"id": key.id, "secret": key.secret}),
)
cluster = confluent.get_kafka_cluster(
    id="lkc-1", environment=confluent.GetKafkaClusterEnvironmentArgs(id="env-1")
)
api_key = confluent.ApiKey(
    "source",
    owner=confluent.ApiKeyOwnerArgs(id="sa-1", api_version="iam/v2", kind="ServiceAccount"),
    managed_resource=confluent.ApiKeyManagedResourceArgs(
        id=cluster.id,
        api_version=cluster.api_version,
        kind=cluster.kind,
        environment=confluent.ApiKeyManagedResourceEnvironmentArgs(id="env-1"),
    ),
    disable_wait_for_ready=True,
)
registration = counter.Registration("registration", bucket.bucket)
pulumi.export("user", user.name)
pulumi.export("key_id", api_key.id)
pulumi.export("secret", key.secret)
pulumi.export("bootstrap", cluster.bootstrap_endpoint)
pulumi.export("token_length", registration.token_length)
pulumi.export("runs", counter.runs())
