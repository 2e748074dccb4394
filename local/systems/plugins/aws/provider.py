"""The table of resource types, and the provider that works from it."""

import os

from botocore.exceptions import ClientError

from local.systems.plugins.aws import cloudwatch, functions, iam, instance, kms, network, s3, sns, ssm
from local.systems.plugins.aws.connection import Connection
from local.systems.plugins.stand_in import StandIn
from local.systems.plugins.values import Plain

KINDS = {
    **s3.KINDS,
    **iam.KINDS,
    **kms.KINDS,
    **ssm.KINDS,
    **network.KINDS,
    **instance.KINDS,
    **cloudwatch.KINDS,
    **sns.KINDS,
}

SETTINGS = frozenset(
    {
        "defaultTags",
        "endpoints",
        "region",
        "s3UsePathStyle",
        "skipCredentialsValidation",
        "skipMetadataApiCheck",
        "skipRegionValidation",
        "skipRequestingAccountId",
        "version",
    }
)
"""Only `region` and `defaultTags` have an effect here: there is one endpoint, the local one."""

GONE = frozenset(
    {
        "404",
        "InvalidAssociationID.NotFound",
        "InvalidGroup.NotFound",
        "InvalidInstanceID.NotFound",
        "InvalidInternetGatewayID.NotFound",
        "InvalidPermission.NotFound",
        "InvalidRoute.NotFound",
        "InvalidRouteTableID.NotFound",
        "InvalidSecurityGroupRuleId.NotFound",
        "InvalidSubnetID.NotFound",
        "InvalidVpcEndpointId.NotFound",
        "InvalidVpcID.NotFound",
        "NoSuchBucket",
        "NoSuchBucketPolicy",
        "NoSuchEntity",
        "NoSuchKey",
        "NoSuchLifecycleConfiguration",
        "NoSuchPublicAccessBlockConfiguration",
        "NotFound",
        "NotFoundException",
        "ObjectLockConfigurationNotFoundError",
        "OwnershipControlsNotFoundError",
        "ParameterNotFound",
        "ResourceNotFound",
        "ServerSideEncryptionConfigurationNotFoundError",
    }
)
"""Error codes by which AWS says that a resource does not exist."""


def is_gone(error: Exception) -> bool:
    """Whether an error says that the resource does not exist."""
    return isinstance(error, ClientError) and error.response["Error"]["Code"] in GONE


def stand_in(endpoint: str) -> StandIn[Connection]:
    """The provider, for the AWS at `endpoint`."""

    def connect(configuration: Plain) -> Connection:
        region = configuration.get("region") or os.environ.get("AWS_REGION")
        return Connection(endpoint, str(region or "us-east-1"), os.environ.get("CCLOUD_LOCAL_HYPERVISOR"))

    return StandIn(
        "aws",
        kinds=KINDS,
        functions=functions.FUNCTIONS,
        settings=SETTINGS,
        connect=connect,
        is_gone=is_gone,
        region=lambda aws: aws.region,
    )
