"""What the person or the pipeline that runs `pulumi up` and `pulumi destroy` needs to be allowed in AWS.

RIGHTS is the only table of it: `make render` writes the policy, `make preflight` simulates it, and a test deploys the
program with an identity that has only this policy.

Source of the actions: the Service Authorization Reference for the action of each call, and for the calls
hashicorp/terraform-provider-aws, internal/service/s3/bucket.go and iam/user.go (read on 2026-11-27). The calls for the
other types are those of the local plugin, whose tables have their sources, and further reads of the real plugin that
nobody has looked up (ListRolePolicies, DescribeNetworkInterfaces, DescribePrefixLists and others). Nobody has tried the
policy on AWS yet: the test runs on the local AWS, whose plugin makes fewer calls than the real one.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum

from components.archive import layout
from components.owner import Owner
from components.policies import Statement, bucket_arn
from components.settings import NAMESPACE, Settings
from components.worker.images import PUBLIC_PARAMETERS
from components.worker.monitoring import DASHBOARD_NAME_LENGTH, TOPIC_NAME_LENGTH
from components.worker.secrets import alias_name

MAX_CHARACTERS = 6_144
"""Of a managed policy, without white space. Source: IAM user guide, "IAM and AWS STS quotas"."""

PREFLIGHT = "make preflight"
"""The row of RIGHTS that `pulumi up` does not need."""

DESTROY_DATA = "archive.destroyWithData"
BOUNDARY = "iam.permissionsBoundaryArn"
"""Rows of RIGHTS for a setting, beside those for a type of resource."""

_SUFFIX = "-*"  # Pulumi appends a hyphen and seven characters: see Owner.resource_name


class On(Enum):
    """What actions are on. The value is the reason of the statement."""

    BUCKET = "Makes the bucket and its guards, and reads what the plugin compares."
    OBJECTS = (
        "Writes the empty sentinels and the VM's files, and no other object: so the deployer reads no event, unless it "
        "changes the bucket's policy."
    )
    ALL_OBJECTS = "`archive.destroyWithData`: `pulumi destroy` empties the bucket."
    BUCKET_KEY = "S3 encrypts sentinels and files with the bucket's KMS key, in the caller's name."
    USERS = (
        "Makes the IAM users of the writer and of the reader, and their access keys. By name: no other user."
    )
    ROLES = "Makes the roles of the VM and of the reader. By name: no other role."
    GRANT_ROLES = "Gives the roles their rights: any, unless `iam.permissionsBoundaryArn` is set."
    GRANT_USERS = "The same for the users."
    PROFILE = "Makes the VM's instance profile."
    PASSED_ROLE = "Gives the VM's role to EC2, and no other role."
    ANY_KEY = "Makes the KMS key of the stack; its id is not known before. Only with the tags of this stack."
    KEYS = (
        "Manages the KMS key of the stack. By account and region, not by tag: KMS may take five minutes to see the tags "
        "of a new key (KMS developer guide, 'ABAC for AWS KMS')."
    )
    ALIAS = "Gives that key a name that people recognise."
    SECRETS = "The parameter store encrypts and decrypts the stack's own parameters in the caller's name."
    PARAMETERS = "Writes the VM's credentials and the parameters for its status."
    IMAGE = "Looks up the newest Ubuntu image."
    ALARMS = "Makes the alarms. By name: no other alarm."
    DASHBOARD = "Makes the dashboard, and no other one."
    TOPIC = "`alarms.email`: makes the topic of the alarms and its subscriptions."
    LOOK = "Reads that have no resource."
    LOOK_WORKER = "Reads for the VM and its alarms, which have no resource; and the end of a subscription."
    MAKE = "Makes the network and the VM, whose ids are not known before, in this region only."
    OWN = "Changes and removes what has this stack's tags: nothing of another stack by mistake."


@dataclass(frozen=True)
class Right:
    """Actions on one kind of resource. `on`: which resources."""

    on: On
    actions: tuple[str, ...]


def _right(on: On, service: str, names: str) -> Right:
    return Right(on, tuple(f"{service}:{name}" for name in names.split()))


# IAM's checks of each call: a request with tags needs the right to tag, too.
RIGHTS: Mapping[str, Sequence[Right]] = {
    "aws:s3/bucket:Bucket": (
        # Tags: by S3 Control's calls since v6.23 of that provider, by the former ones where those are refused (pull
        # request 45251).
        _right(
            On.BUCKET,
            "s3",
            "CreateBucket ListBucket GetBucketLocation GetBucketPolicy GetBucketAcl GetBucketCORS GetBucketWebsite "
            "GetBucketVersioning GetAccelerateConfiguration GetBucketRequestPayment GetBucketLogging "
            "GetLifecycleConfiguration GetReplicationConfiguration GetEncryptionConfiguration "
            "GetBucketObjectLockConfiguration GetBucketTagging PutBucketTagging TagResource UntagResource "
            "ListTagsForResource",
        ),
    ),
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": (
        _right(On.BUCKET, "s3", "GetBucketPublicAccessBlock PutBucketPublicAccessBlock"),
    ),
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": (
        _right(On.BUCKET, "s3", "GetBucketOwnershipControls PutBucketOwnershipControls"),
    ),
    "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration": (
        _right(On.BUCKET, "s3", "GetEncryptionConfiguration PutEncryptionConfiguration"),
    ),
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": (
        _right(On.BUCKET, "s3", "GetLifecycleConfiguration PutLifecycleConfiguration"),
    ),
    "aws:s3/bucketPolicy:BucketPolicy": (
        _right(On.BUCKET, "s3", "GetBucketPolicy PutBucketPolicy DeleteBucketPolicy"),
    ),
    "aws:s3/bucketVersioning:BucketVersioning": (
        _right(On.BUCKET, "s3", "GetBucketVersioning PutBucketVersioning"),
    ),
    "aws:s3/bucketObjectLockConfiguration:BucketObjectLockConfiguration": (
        _right(On.BUCKET, "s3", "GetBucketObjectLockConfiguration PutBucketObjectLockConfiguration"),
    ),
    "aws:s3/bucketObjectv2:BucketObjectv2": (
        _right(
            On.OBJECTS,
            "s3",
            "PutObject GetObject GetObjectTagging PutObjectTagging DeleteObjectTagging DeleteObject",
        ),
        _right(On.BUCKET_KEY, "kms", "GenerateDataKey Decrypt"),
    ),
    DESTROY_DATA: (
        _right(On.BUCKET, "s3", "DeleteBucket ListBucketVersions ListBucketMultipartUploads"),
        _right(On.ALL_OBJECTS, "s3", "DeleteObject DeleteObjectVersion AbortMultipartUpload"),
    ),
    "aws:iam/user:User": (
        _right(
            On.USERS,
            "iam",
            # Beside the user itself: what `forceDestroy` looks for before it deletes the user.
            "GetUser UpdateUser DeleteUser TagUser UntagUser ListGroupsForUser ListAccessKeys DeleteAccessKey "
            "ListSSHPublicKeys ListMFADevices DeleteLoginProfile ListSigningCertificates "
            "ListServiceSpecificCredentials",
        ),
        _right(On.GRANT_USERS, "iam", "CreateUser"),
        _right(On.LOOK, "iam", "ListVirtualMFADevices"),
    ),
    "aws:iam/userPolicy:UserPolicy": (
        _right(On.USERS, "iam", "GetUserPolicy DeleteUserPolicy"),
        _right(On.GRANT_USERS, "iam", "PutUserPolicy"),
    ),
    "aws:iam/accessKey:AccessKey": (
        _right(On.USERS, "iam", "CreateAccessKey ListAccessKeys UpdateAccessKey DeleteAccessKey"),
        # The call names only the key, but IAM checks it on the key's user.
        _right(On.USERS, "iam", "GetAccessKeyLastUsed"),
    ),
    "aws:iam/role:Role": (
        _right(
            On.ROLES,
            "iam",
            "GetRole UpdateRole UpdateRoleDescription UpdateAssumeRolePolicy DeleteRole TagRole UntagRole "
            "ListRolePolicies ListAttachedRolePolicies ListInstanceProfilesForRole",
        ),
        _right(On.GRANT_ROLES, "iam", "CreateRole"),
    ),
    "aws:iam/rolePolicy:RolePolicy": (
        _right(On.ROLES, "iam", "GetRolePolicy DeleteRolePolicy"),
        _right(On.GRANT_ROLES, "iam", "PutRolePolicy"),
    ),
    # To remove the boundary again needs a right that would undo it; the policy does not have that one.
    BOUNDARY: (
        _right(On.GRANT_ROLES, "iam", "PutRolePermissionsBoundary"),
        _right(On.GRANT_USERS, "iam", "PutUserPermissionsBoundary"),
    ),
    "aws:iam/instanceProfile:InstanceProfile": (
        _right(
            On.PROFILE,
            "iam",
            "CreateInstanceProfile GetInstanceProfile DeleteInstanceProfile TagInstanceProfile UntagInstanceProfile "
            "AddRoleToInstanceProfile RemoveRoleFromInstanceProfile",
        ),
        _right(On.PASSED_ROLE, "iam", "PassRole"),
    ),
    "aws:kms/key:Key": (
        _right(On.ANY_KEY, "kms", "CreateKey TagResource"),
        _right(
            On.KEYS,
            "kms",
            "DescribeKey GetKeyPolicy PutKeyPolicy GetKeyRotationStatus EnableKeyRotation DisableKeyRotation "
            "ListResourceTags TagResource UntagResource UpdateKeyDescription ScheduleKeyDeletion",
        ),
    ),
    "aws:kms/alias:Alias": (
        _right(On.ALIAS, "kms", "CreateAlias UpdateAlias DeleteAlias"),
        _right(On.KEYS, "kms", "CreateAlias UpdateAlias DeleteAlias"),
        _right(On.LOOK_WORKER, "kms", "ListAliases"),
    ),
    "aws:ssm/parameter:Parameter": (
        _right(
            On.PARAMETERS,
            "ssm",
            "PutParameter GetParameter DeleteParameter AddTagsToResource RemoveTagsFromResource ListTagsForResource",
        ),
        _right(On.LOOK_WORKER, "ssm", "DescribeParameters"),
        _right(On.SECRETS, "kms", "Encrypt Decrypt"),
    ),
    "aws:ssm/getParameter:getParameter": (_right(On.IMAGE, "ssm", "GetParameter"),),
    "aws:cloudwatch/metricAlarm:MetricAlarm": (
        _right(
            On.ALARMS,
            "cloudwatch",
            "PutMetricAlarm DeleteAlarms ListTagsForResource TagResource UntagResource",
        ),
        _right(On.LOOK_WORKER, "cloudwatch", "DescribeAlarms"),
    ),
    "aws:cloudwatch/dashboard:Dashboard": (
        _right(On.DASHBOARD, "cloudwatch", "PutDashboard GetDashboard DeleteDashboards"),
    ),
    "aws:sns/topic:Topic": (
        _right(
            On.TOPIC,
            "sns",
            "CreateTopic DeleteTopic GetTopicAttributes SetTopicAttributes ListTagsForResource TagResource "
            "UntagResource",
        ),
    ),
    "aws:sns/topicPolicy:TopicPolicy": (_right(On.TOPIC, "sns", "GetTopicAttributes SetTopicAttributes"),),
    "aws:sns/topicSubscription:TopicSubscription": (
        _right(On.TOPIC, "sns", "Subscribe ListSubscriptionsByTopic"),
        # These two know no resource.
        _right(On.LOOK_WORKER, "sns", "GetSubscriptionAttributes Unsubscribe"),
    ),
    "aws:ec2/vpc:Vpc": (
        _right(On.MAKE, "ec2", "CreateVpc CreateTags"),
        _right(On.OWN, "ec2", "ModifyVpcAttribute DeleteVpc"),
        _right(On.LOOK_WORKER, "ec2", "DescribeVpcs DescribeVpcAttribute DescribeNetworkAcls"),
    ),
    "aws:ec2/vpcIpv4CidrBlockAssociation:VpcIpv4CidrBlockAssociation": (
        _right(On.OWN, "ec2", "AssociateVpcCidrBlock DisassociateVpcCidrBlock"),
        _right(On.LOOK_WORKER, "ec2", "DescribeVpcs"),
    ),
    "aws:ec2/defaultSecurityGroup:DefaultSecurityGroup": (
        # The group of a new VPC has no tags yet.
        _right(On.MAKE, "ec2", "RevokeSecurityGroupEgress RevokeSecurityGroupIngress CreateTags"),
        _right(On.LOOK_WORKER, "ec2", "DescribeSecurityGroups DescribeSecurityGroupRules"),
    ),
    "aws:ec2/internetGateway:InternetGateway": (
        _right(On.MAKE, "ec2", "CreateInternetGateway"),
        _right(On.OWN, "ec2", "AttachInternetGateway DetachInternetGateway DeleteInternetGateway"),
        _right(On.LOOK_WORKER, "ec2", "DescribeInternetGateways"),
    ),
    "aws:ec2/routeTable:RouteTable": (
        _right(On.MAKE, "ec2", "CreateRouteTable"),
        _right(On.OWN, "ec2", "DeleteRouteTable"),
        _right(On.LOOK_WORKER, "ec2", "DescribeRouteTables"),
    ),
    "aws:ec2/route:Route": (
        _right(On.OWN, "ec2", "CreateRoute ReplaceRoute DeleteRoute"),
        _right(On.LOOK_WORKER, "ec2", "DescribeRouteTables"),
    ),
    "aws:ec2/routeTableAssociation:RouteTableAssociation": (
        _right(On.OWN, "ec2", "AssociateRouteTable ReplaceRouteTableAssociation DisassociateRouteTable"),
        _right(On.LOOK_WORKER, "ec2", "DescribeRouteTables"),
    ),
    "aws:ec2/subnet:Subnet": (
        _right(On.MAKE, "ec2", "CreateSubnet"),
        _right(On.OWN, "ec2", "ModifySubnetAttribute DeleteSubnet"),
        _right(On.LOOK_WORKER, "ec2", "DescribeSubnets DescribeNetworkInterfaces"),
    ),
    "aws:ec2/vpcEndpoint:VpcEndpoint": (
        _right(On.MAKE, "ec2", "CreateVpcEndpoint"),
        _right(On.OWN, "ec2", "ModifyVpcEndpoint DeleteVpcEndpoints"),
        _right(On.LOOK_WORKER, "ec2", "DescribeVpcEndpoints DescribePrefixLists"),
    ),
    "aws:ec2/securityGroup:SecurityGroup": (
        # AWS gives a new group a rule without tags, which the plugin removes.
        _right(On.MAKE, "ec2", "CreateSecurityGroup RevokeSecurityGroupEgress"),
        _right(On.OWN, "ec2", "DeleteSecurityGroup"),
        _right(On.LOOK_WORKER, "ec2", "DescribeSecurityGroups DescribeNetworkInterfaces"),
    ),
    "aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule": (
        # A rule that is being made has no tags yet.
        _right(On.MAKE, "ec2", "AuthorizeSecurityGroupEgress RevokeSecurityGroupEgress"),
        _right(On.OWN, "ec2", "ModifySecurityGroupRules"),
        _right(On.LOOK_WORKER, "ec2", "DescribeSecurityGroupRules"),
    ),
    "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule": (
        _right(On.MAKE, "ec2", "AuthorizeSecurityGroupIngress RevokeSecurityGroupIngress"),
        _right(On.OWN, "ec2", "ModifySecurityGroupRules"),
        _right(On.LOOK_WORKER, "ec2", "DescribeSecurityGroupRules"),
    ),
    "aws:ec2/instance:Instance": (
        _right(On.MAKE, "ec2", "RunInstances CreateTags"),
        _right(
            On.OWN,
            "ec2",
            "ModifyInstanceAttribute ModifyInstanceMetadataOptions ModifyInstanceMaintenanceOptions ModifyVolume "
            "StopInstances StartInstances TerminateInstances DeleteTags",
        ),
        _right(
            On.LOOK_WORKER,
            "ec2",
            "DescribeInstances DescribeInstanceAttribute DescribeInstanceTypes DescribeInstanceCreditSpecifications "
            "DescribeVolumes DescribeTags DescribeImages DescribeIamInstanceProfileAssociations",
        ),
    ),
    "aws:ec2/getInstanceTypeOfferings:getInstanceTypeOfferings": (
        _right(On.LOOK_WORKER, "ec2", "DescribeInstanceTypeOfferings"),
    ),
    "aws:ec2/getInstanceType:getInstanceType": (_right(On.LOOK_WORKER, "ec2", "DescribeInstanceTypes"),),
    "aws:ec2/getAmi:getAmi": (_right(On.LOOK_WORKER, "ec2", "DescribeImages"),),
    "aws:ec2/getSubnet:getSubnet": (_right(On.LOOK_WORKER, "ec2", "DescribeSubnets"),),
    "aws:ec2/getRouteTables:getRouteTables": (_right(On.LOOK_WORKER, "ec2", "DescribeRouteTables"),),
    "aws:ec2/getRouteTable:getRouteTable": (_right(On.LOOK_WORKER, "ec2", "DescribeRouteTables"),),
    PREFLIGHT: (
        # A role session does not show the path of its role, which the simulation needs.
        _right(On.LOOK, "iam", "SimulatePrincipalPolicy GetRole"),
        _right(On.LOOK, "servicequotas", "GetServiceQuota GetAWSDefaultServiceQuota"),
        _right(On.LOOK, "s3", "ListAllMyBuckets"),
    ),
}


_NETWORK = tuple(
    f"aws:ec2/{name[0].lower()}{name[1:]}:{name}"
    for name in (
        *("Vpc", "VpcIpv4CidrBlockAssociation", "DefaultSecurityGroup", "InternetGateway", "RouteTable"),
        *("Route", "RouteTableAssociation", "Subnet", "VpcEndpoint"),
    )
)
_SUBNET_LOOKUPS = tuple(f"aws:ec2/{name}:{name}" for name in ("getSubnet", "getRouteTables", "getRouteTable"))


def documents(settings: Settings, owner: Owner, account: str) -> dict[str, list[Statement]]:
    """Name of a policy -> its statements: two policies, as one would be longer than AWS accepts."""
    whole = statements(settings, owner, account)
    return {
        "deployer-policy": [statement for statement in whole if not _is_for_the_worker(statement)],
        "deployer-worker-policy": [statement for statement in whole if _is_for_the_worker(statement)],
    }


def _is_for_the_worker(statement: Statement) -> bool:
    """Whether it is for the VM: network, secrets, alarms. The other policy is for the bucket and for identities."""
    services = {action.partition(":")[0] for action in statement.actions}
    return services <= {"ec2", "kms", "ssm", "cloudwatch", "sns"}


def statements(settings: Settings, owner: Owner, account: str) -> list[Statement]:
    """The least that the deployer of a stack needs.

    Args:
        settings: of the stack.
        owner: the project and the stack.
        account: 12 digits, or a placeholder.
    """
    unneeded = set(_unneeded(settings))
    actions: dict[On, list[str]] = {}
    for kind, rights in RIGHTS.items():
        for right in rights if kind not in unneeded else ():
            known = actions.setdefault(right.on, [])
            known += [action for action in right.actions if action not in known]
    scopes = _scopes(settings, owner, account)
    return [
        replace(scopes[on], actions=actions[on], reason=on.value)
        for on in On
        if on in actions and on in scopes and scopes[on].resources
    ]


def _unneeded(settings: Settings) -> Iterable[str]:
    """Rows of RIGHTS that these settings make no use of."""
    if not settings.archive.destroy_with_data:
        yield DESTROY_DATA
    if not _users(settings):
        yield from ("aws:iam/user:User", "aws:iam/userPolicy:UserPolicy", "aws:iam/accessKey:AccessKey")
    if settings.worker.secrets_key_arn is not None:
        yield from ("aws:kms/key:Key", "aws:kms/alias:Alias")
    if settings.iam.permissions_boundary_arn is None:
        yield BOUNDARY
    yield from _NETWORK if settings.worker.subnets else _SUBNET_LOOKUPS
    if not settings.worker.metrics:
        yield "aws:cloudwatch/metricAlarm:MetricAlarm"
    if not (settings.worker.metrics and settings.alarms.dashboard):
        yield "aws:cloudwatch/dashboard:Dashboard"
    if not settings.alarms.email:
        yield from (kind for kind in RIGHTS if kind.startswith("aws:sns/"))
    if settings.worker.mode == "standalone":
        yield "aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule"
    if settings.worker.ami is not None:
        yield "aws:ssm/getParameter:getParameter"


def _users(settings: Settings) -> list[str]:
    return [
        *(["writer"] if settings.writer.identity == "user" else []),
        *(["reader"] if settings.logzio.authentication == "keys" else []),
    ]


def _scopes(settings: Settings, owner: Owner, account: str) -> dict[On, Statement]:
    """The resources and conditions of each statement."""
    region, bucket = settings.region, bucket_arn(settings.archive.bucket)
    iam = f"arn:aws:iam::{account}"
    path, in_region = settings.iam.path, f"{region}:{account}"
    parameters = f"arn:aws:ssm:{in_region}:parameter/{NAMESPACE}/{owner.path}/*"
    roles = ["worker", *(["reader"] if settings.logzio.authentication == "role" else [])]
    # As in __main__.py, the stack's own tags may have these names.
    tags = {
        "Project": settings.tags.get("Project", owner.project),
        "Stack": settings.tags.get("Stack", owner.stack),
    }

    def named(kind: str, *names: str) -> list[str]:
        return [f"{iam}:{kind}{path}{owner.resource_name(name)}{_SUFFIX}" for name in names]

    scopes = {
        On.BUCKET: _on([bucket]),
        On.OBJECTS: _on(
            [
                f"{bucket}/{settings.connector.topics_dir}/*/{layout.SENTINEL_NAME}",
                f"{bucket}/{layout.WORKER_FILES}/*",
            ]
        ),
        On.ALL_OBJECTS: _on([f"{bucket}/*"]),
        On.USERS: _on(named("user", *_users(settings))),
        On.ROLES: _on(named("role", *roles)),
        On.GRANT_ROLES: _on(named("role", *roles)),
        On.GRANT_USERS: _on(named("user", *_users(settings))),
        On.PROFILE: _on(named("instance-profile", "worker")),
        On.PASSED_ROLE: _on(named("role", "worker")),
        On.ANY_KEY: _on(
            ["*"], StringEquals={f"aws:RequestTag/{name}": value for name, value in tags.items()}
        ),
        On.KEYS: _on([f"arn:aws:kms:{in_region}:key/*"]),
        On.ALIAS: _on([f"arn:aws:kms:{in_region}:{alias_name(owner, 'worker-secrets')}"]),
        On.SECRETS: _on(
            [settings.worker.secrets_key_arn or f"arn:aws:kms:{in_region}:key/*"],
            StringEquals={"kms:ViaService": f"ssm.{region}.amazonaws.com"},
            StringLike={"kms:EncryptionContext:PARAMETER_ARN": parameters},
        ),
        On.PARAMETERS: _on([parameters]),
        On.IMAGE: _on([f"arn:aws:ssm:{region}::parameter{PUBLIC_PARAMETERS}*"]),
        On.ALARMS: _on(
            [f"arn:aws:cloudwatch:{in_region}:alarm:{owner.project}-{owner.stack}-worker{_SUFFIX}"]
        ),
        On.DASHBOARD: _on(
            [f"arn:aws:cloudwatch::{account}:dashboard/{owner.unique_name('worker', DASHBOARD_NAME_LENGTH)}"]
        ),
        On.TOPIC: _on([f"arn:aws:sns:{in_region}:{owner.unique_name('worker-alarms', TOPIC_NAME_LENGTH)}"]),
        On.LOOK: _on(["*"]),
        On.LOOK_WORKER: _on(["*"]),
        On.MAKE: _on(["*"], StringEquals={"aws:RequestedRegion": region}),
        On.OWN: _on(["*"], StringEquals={f"aws:ResourceTag/{name}": value for name, value in tags.items()}),
    }
    boundary = settings.iam.permissions_boundary_arn
    if boundary is not None:
        bounded = {"StringEquals": {"iam:PermissionsBoundary": boundary}}
        for on in (On.GRANT_ROLES, On.GRANT_USERS):
            scopes[on] = replace(scopes[on], condition=bounded)
    if settings.archive.kms_key_arn is not None:
        scopes[On.BUCKET_KEY] = _on([settings.archive.kms_key_arn])
    return {on: replace(scope, sid=_sid(on)) for on, scope in scopes.items()}


def _on(resources: Sequence[str], **condition: Mapping[str, str]) -> Statement:
    return Statement(sid="", reason="", actions=(), resources=resources, condition=condition)


def _sid(on: On) -> str:
    return on.name.title().replace("_", "")
