"""ConnectWorker: the VM that runs the S3 sink, its network, its role, its secrets and its alarms."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

import pulumi
import pulumi_aws as aws

from components import names, policies
from components.access import Credentials
from components.archive import NO_DEFAULT_TAGS
from components.living import Living
from components.settings import NAMESPACE, Settings
from components.worker import places
from components.worker.alarms import alarms
from components.worker.bundle import Bundle, files, pack
from components.worker.cloud_config import user_data
from components.worker.connect import WorkerFacts, metrics_namespace, parameter_name

NETWORK_CIDR = "10.42.0.0/24"
ALARM_NAME_LENGTH = 247  # of CloudWatch's 255: see names.resource
ALIAS_NAME_LENGTH = 250  # of KMS's 256, which begin with `alias/`


@dataclass(frozen=True)
class ConnectWorkerArgs:
    """Exactly one of `writer_credentials` and `writer_policy` is set: a user's key, or rights for the VM's role.

    `living`: what is known of the stack from its last `up`.
    """

    settings: Settings
    bootstrap_servers: str
    kafka_api_key: pulumi.Output[str]
    kafka_api_secret: pulumi.Output[str]
    tags: Mapping[str, str]
    living: Living
    writer_credentials: Credentials | None = None
    writer_policy: pulumi.Output[str] | None = None


class ConnectWorker(pulumi.ComponentResource):
    """One VM, no inbound rule, its secrets in the parameter store, alarms on its metrics.

    Outputs: `instance_id`, `availability_zone`, `architecture`.
    """

    instance_id: pulumi.Output[str]
    availability_zone: pulumi.Output[str]
    architecture: places.Architecture

    def __init__(
        self, name: str, args: ConnectWorkerArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("logexporter:worker:ConnectWorker", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        self._asked = pulumi.InvokeOptions(parent=self)
        # Asked first: what does not fit is refused before anything is made.
        instance_type = args.settings.worker.instance_type
        self._zones = places.zones_with(instance_type, self._asked)
        self.architecture = places.architecture_of(instance_type, self._asked)
        self._image_id = self._image()
        self._owner = names.owner(pulumi.get_project(), pulumi.get_stack())
        credentials = self._credentials()
        facts = WorkerFacts(
            project=pulumi.get_project(),
            stack=pulumi.get_stack(),
            bootstrap_servers=args.bootstrap_servers,
            parameters={whose: parameter_name(self._owner, whose) for whose in credentials},
        )
        bundle = pack(files(args.settings, facts))
        caller = aws.get_caller_identity(opts=self._asked)
        key_arn = self._secrets_key(caller)
        profile, granted = self._role(self._secrets_policy(caller, facts, key_arn), bundle)
        parameters = self._parameters(facts, credentials, key_arn, granted)
        subnet_id, security_group_id, network = self._network()
        boot = user_data(args.settings, facts, bundle)
        needed = [self._worker_files(bundle), *granted, *parameters, *network]
        instance = self._instance(profile, subnet_id, security_group_id, boot, needed)
        if args.settings.worker.metrics:
            self._alarms(instance)
        self.instance_id = instance.id
        self.register_outputs({"instanceId": self.instance_id})

    def _credentials(self) -> dict[str, dict[str, pulumi.Output[str]]]:
        """What the VM's credentials are: `kafka` or `writer` -> name -> value."""
        args = self._args
        values = {"kafka": {"key": args.kafka_api_key, "secret": args.kafka_api_secret}}
        if args.writer_credentials is not None:
            values["writer"] = {
                "access_key_id": args.writer_credentials.access_key_id,
                "secret_access_key": args.writer_credentials.secret_access_key,
            }
        return values

    def _secrets_key(self, caller: aws.AwaitableGetCallerIdentityResult) -> pulumi.Input[str]:
        """The ARN of the key that encrypts the parameters: the given one, or one of the stack.

        Not the parameter store's default key: its policy lets every principal of the account decrypt, and AWS's managed
        policy AmazonSSMManagedInstanceCore lets an instance read every parameter (AWS Systems Manager user guide,
        "Restricting decryption of SecureString parameter values").
        """
        given = self._args.settings.worker.secrets_key_arn
        if given is not None:
            return given
        name = f"{self._name}-secrets"
        root_arn = f"arn:{_partition(caller)}:iam::{caller.account_id}:root"
        key = aws.kms.Key(
            name,
            description=f"{pulumi.get_project()}/{pulumi.get_stack()}: the credentials of the VM",
            policy=policies.to_json(policies.secrets_key(root_arn)),
            enable_key_rotation=True,
            tags=dict(self._args.tags),
            opts=self._child,
        )
        alias = names.resource(pulumi.get_project(), pulumi.get_stack(), name, longest=ALIAS_NAME_LENGTH)
        aws.kms.Alias(name, name=f"alias/{alias}", target_key_id=key.key_id, opts=self._child)
        return key.arn

    def _secrets_policy(
        self,
        caller: aws.AwaitableGetCallerIdentityResult,
        facts: WorkerFacts,
        key_arn: pulumi.Input[str],
    ) -> pulumi.Output[str]:
        """Asks no parameter for its ARN: the right to use a key comes before a parameter under that key."""
        where = f"arn:{_partition(caller)}:ssm:{self._args.settings.region}:{caller.account_id}"
        arns = [f"{where}:parameter{name}" for name in facts.parameters.values()]
        return pulumi.Output.from_input(key_arn).apply(
            lambda known: policies.to_json(policies.secrets(arns, known))
        )

    def _parameters(
        self,
        facts: WorkerFacts,
        credentials: Mapping[str, Mapping[str, pulumi.Output[str]]],
        key_arn: pulumi.Input[str],
        granted: Sequence[pulumi.Resource],
    ) -> list[pulumi.Resource]:
        """Each pair of credentials is one parameter, so that a rotation never shows half a pair.

        They come after the VM's rights, so that a VM that runs can read them at any time. When one key takes the place
        of another, it cannot for some seconds; at its start the service tries for longer than that.
        """
        parameters: list[pulumi.Resource] = []
        for whose, name in facts.parameters.items():
            parameter = aws.ssm.Parameter(
                f"{self._name}-{whose}-credentials",
                name=name,
                type="SecureString",
                key_id=key_arn,
                description=f"Read by the VM alone: its {whose} credentials",
                # Secret, since a part of it is.
                value=pulumi.Output.json_dumps(credentials[whose]),
                tags=dict(self._args.tags),
                opts=pulumi.ResourceOptions(parent=self, depends_on=granted),
            )
            pulumi.Output.all(name, key_arn, parameter.key_id).apply(self._warn_of_another_key)
            parameters.append(parameter)
        return parameters

    def _warn_of_another_key(self, known: Sequence[str]) -> None:
        """Says so when a parameter is not under its key.

        The plugin names the key only when the key changes (terraform-provider-aws, internal/service/ssm/parameter.go,
        resourceParameterUpdate); for a new value without a key's name, AWS's documentation has the default key (AWS KMS
        developer guide, "How AWS Systems Manager Parameter Store uses AWS KMS"). The plugin reads back which key it is,
        and the next `up` puts it right: the second one of `make rotate` does. Not tried on AWS.
        """
        name, wanted, found = known
        if found != wanted and not pulumi.runtime.is_dry_run():
            pulumi.log.warn(
                f"parameter {name} is under {found}, not under {wanted}: run `pulumi up` again", self
            )

    def _worker_files(self, bundle: Bundle) -> pulumi.Resource:
        """The VM's files in the bucket. Other content is another object; the old one goes after the old VM."""
        archive = self._args.settings.archive
        return aws.s3.BucketObjectv2(
            f"{self._name}-files",
            bucket=archive.bucket,
            key=bundle.key,
            content_base64=base64.b64encode(bundle.content).decode(),
            content_type="application/x-bzip2",
            tags=dict(self._args.tags),
            override_provider=NO_DEFAULT_TAGS,
            opts=pulumi.ResourceOptions(
                parent=self,
                # As the sentinels: the bucket may be locked, or have been, and S3 would refuse to delete it.
                retain_on_delete=not archive.destroy_with_data,
                ignore_changes=["objectLockMode", "objectLockRetainUntilDate"],
            ),
        )

    def _role(
        self, secrets_policy: pulumi.Input[str], bundle: Bundle
    ) -> tuple[aws.iam.InstanceProfile, list[pulumi.Resource]]:
        """The VM's role with all its rights; the instance waits for them."""
        iam = self._args.settings.iam
        own_name = names.resource(pulumi.get_project(), pulumi.get_stack(), self._name)
        role = aws.iam.Role(
            own_name,
            description="The VM that archives the audit log",
            assume_role_policy=policies.to_json(policies.instance_trust()),
            path=iam.path,
            permissions_boundary=iam.permissions_boundary_arn,
            tags=dict(self._args.tags),
            opts=self._formerly(self._name),
        )
        archive = self._args.settings.archive
        rights: dict[str, pulumi.Input[str]] = {
            "secrets": secrets_policy,
            "files": policies.to_json(policies.worker_files(archive.bucket, bundle.key, archive.kms_key_arn)),
            "session-manager": policies.to_json(policies.session_manager()),
        }
        if self._args.settings.worker.metrics:
            rights["metrics"] = policies.to_json(policies.metrics(metrics_namespace(self._owner)))
        if self._args.writer_policy is not None:
            rights["writer"] = self._args.writer_policy
        granted: list[pulumi.Resource] = [
            aws.iam.RolePolicy(f"{self._name}-{right}", role=role.name, policy=policy, opts=self._child)
            for right, policy in rights.items()
        ]
        profile = aws.iam.InstanceProfile(
            own_name,
            path=iam.path,
            role=role.name,
            tags=dict(self._args.tags),
            opts=self._formerly(self._name),
        )
        return profile, granted

    def _network(self) -> tuple[pulumi.Input[str], pulumi.Input[str], list[pulumi.Resource]]:
        """Subnet id, security group id, and what must stand before the VM can reach anything."""
        subnet_id = self._args.settings.worker.subnet_id
        if subnet_id is not None:
            return self._given_network(subnet_id)
        return self._own_network()

    def _given_network(
        self, subnet_id: str
    ) -> tuple[pulumi.Input[str], pulumi.Input[str], list[pulumi.Resource]]:
        instance_type = self._args.settings.worker.instance_type
        subnet = places.subnet(subnet_id, self._zones, instance_type, self._asked)
        missing = places.missing_way_out(subnet, self._asked)
        if missing is not None:
            pulumi.log.warn(f"{NAMESPACE}:worker.subnetId: {subnet_id} {missing}", self)
        self.availability_zone = pulumi.Output.from_input(subnet.availability_zone)
        security_group_id, rules = self._security_group(subnet.vpc_id)
        return subnet_id, security_group_id, rules

    def _own_network(self) -> tuple[pulumi.Input[str], pulumi.Input[str], list[pulumi.Resource]]:
        name, tags, child = self._name, self._named_tags(), self._child
        worker = self._args.settings.worker
        vpc = aws.ec2.Vpc(
            name,
            cidr_block=NETWORK_CIDR,
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags=tags,
            opts=child,
        )
        # AWS lets everything out of a VPC's default group, and its members reach each other: nobody is to be its member.
        aws.ec2.DefaultSecurityGroup(f"{name}-default", vpc_id=vpc.id, tags=dict(self._args.tags), opts=child)
        gateway = aws.ec2.InternetGateway(name, vpc_id=vpc.id, tags=tags, opts=child)
        subnet = aws.ec2.Subnet(
            name,
            vpc_id=vpc.id,
            cidr_block=NETWORK_CIDR,
            availability_zone=places.chosen_zone(
                self._zones,
                worker.availability_zones,
                self._args.living.availability_zone,
                worker.instance_type,
            ),
            map_public_ip_on_launch=True,
            tags=tags,
            opts=pulumi.ResourceOptions(
                parent=self,
                # Two subnets of one address range do not stand side by side.
                delete_before_replace=True,
                # Chosen once: a zone that has the type later is no reason to replace the subnet, and with it the VM.
                ignore_changes=[] if worker.availability_zones else ["availabilityZone"],
            ),
        )
        self.availability_zone = subnet.availability_zone
        table = aws.ec2.RouteTable(name, vpc_id=vpc.id, tags=tags, opts=child)
        route = aws.ec2.Route(
            name,
            route_table_id=table.id,
            destination_cidr_block="0.0.0.0/0",
            gateway_id=gateway.id,
            opts=child,
        )
        association = aws.ec2.RouteTableAssociation(
            name,
            subnet_id=subnet.id,
            route_table_id=table.id,
            opts=pulumi.ResourceOptions(
                parent=self,
                # The plugin would change it in place. AWS gives it a new id then, which the engine does not learn: the
                # next `up` would associate the subnet once more, which AWS refuses (pulumi/pulumi-aws issue 3911).
                replace_on_changes=["routeTableId"],
                # A subnet has one association at a time.
                delete_before_replace=True,
            ),
        )
        endpoint = aws.ec2.VpcEndpoint(
            f"{name}-s3",
            vpc_id=vpc.id,
            service_name=f"com.amazonaws.{self._args.settings.region}.s3",
            vpc_endpoint_type="Gateway",
            route_table_ids=[table.id],
            tags=tags,
            opts=child,
        )
        security_group_id, rules = self._security_group(vpc.id)
        return subnet.id, security_group_id, [*rules, route, association, endpoint]

    def _security_group(self, vpc_id: pulumi.Input[str]) -> tuple[pulumi.Input[str], list[pulumi.Resource]]:
        """No inbound rule at all; outbound only the ports that are needed."""
        group = aws.ec2.SecurityGroup(
            self._name,
            vpc_id=vpc_id,
            description="The VM that archives the audit log: nothing in, Kafka and HTTPS out",
            tags=self._named_tags(),
            opts=self._child,
        )
        rules: list[pulumi.Resource] = [
            aws.vpc.SecurityGroupEgressRule(
                f"{self._name}-{way.name}",
                security_group_id=group.id,
                ip_protocol=way.protocol,
                from_port=way.port,
                to_port=way.port,
                cidr_ipv4=way.to,
                description=way.reason,
                tags=dict(self._args.tags),
                opts=self._child,
            )
            for way in egress(self._args.settings, self._args.bootstrap_servers)
        ]
        return group.id, rules

    def _image(self) -> str:
        """The given image, or the default one of the instance type's architecture.

        Raises:
            SettingsError: the given one is for another architecture.
        """
        worker = self._args.settings.worker
        if self.architecture == "arm64":
            pulumi.log.warn(
                f"{NAMESPACE}:worker.instanceType: {worker.instance_type} is an ARM type: its image and packages exist, "
                "but nobody has tried them with this program",
                self,
            )
        if worker.ami is None:
            return places.default_image(self.architecture, self._asked)
        places.require_fitting_image(worker.ami, worker.instance_type, self.architecture, self._asked)
        return worker.ami

    def _keeps_its_image(self) -> bool:
        """Whether a VM that runs keeps its image: a later release of the default one is no reason to replace it."""
        living = self._args.living
        changes = living.exists and living.architecture != self.architecture
        return self._args.settings.worker.ami is None and not changes

    def _instance(
        self,
        profile: aws.iam.InstanceProfile,
        subnet_id: pulumi.Input[str],
        security_group_id: pulumi.Input[str],
        boot: str,
        needed: Sequence[pulumi.Resource],
    ) -> aws.ec2.Instance:
        worker = self._args.settings.worker
        return aws.ec2.Instance(
            self._name,
            ami=self._image_id,
            instance_type=worker.instance_type,
            subnet_id=subnet_id,
            vpc_security_group_ids=[security_group_id],
            iam_instance_profile=profile.name,
            metadata_options=aws.ec2.InstanceMetadataOptionsArgs(
                http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=1
            ),
            root_block_device=aws.ec2.InstanceRootBlockDeviceArgs(
                encrypted=True, volume_type="gp3", volume_size=worker.volume_gb
            ),
            maintenance_options=aws.ec2.InstanceMaintenanceOptionsArgs(auto_recovery="default"),
            user_data=boot,
            # A stopped and started VM would not run its new user-data.
            user_data_replace_on_change=True,
            tags=self._named_tags(),
            volume_tags=self._named_tags(),
            opts=pulumi.ResourceOptions(
                parent=self,
                depends_on=needed,
                # Two workers in one consumer group would write the same objects at the same time.
                delete_before_replace=True,
                # The plugin would change it in place: EBS refuses a smaller size at each later `up`, and of a larger one
                # the file system learns at the next boot only.
                replace_on_changes=["rootBlockDevice.volumeSize"],
                ignore_changes=["ami"] if self._keeps_its_image() else [],
            ),
        )

    def _alarms(self, instance: aws.ec2.Instance) -> None:
        project, stack = pulumi.get_project(), pulumi.get_stack()
        topic = self._args.settings.worker.alarm_topic_arn
        told = [] if topic is None else [topic]
        for alarm in alarms(originals=self._args.settings.originals):
            former = f"{self._name}-{alarm.name}"
            aws.cloudwatch.MetricAlarm(
                names.resource(project, stack, former, longest=ALARM_NAME_LENGTH),
                # Whoever gets a mail sees which stack it is about, also where the alarm has its name of version 0.1.
                alarm_description=f"{project}/{stack}: {alarm.description}",
                namespace=metrics_namespace(self._owner),
                metric_name=alarm.metric,
                statistic=alarm.statistic,
                comparison_operator=alarm.comparison,
                threshold=alarm.threshold,
                period=alarm.period,
                evaluation_periods=alarm.periods,
                treat_missing_data=alarm.missing,
                alarm_actions=told,
                ok_actions=told,
                tags=dict(self._args.tags),
                # After the instance: two of them take silence for a fault.
                opts=self._formerly(former, depends_on=[instance]),
            )

    def _formerly(self, name: str, depends_on: Sequence[pulumi.Resource] = ()) -> pulumi.ResourceOptions:
        """Version 0.1 called it by `name` alone: it stays the same resource there, with its name in AWS."""
        return pulumi.ResourceOptions(parent=self, depends_on=depends_on, aliases=[pulumi.Alias(name=name)])

    def _named_tags(self) -> dict[str, str]:
        return {**self._args.tags, "Name": f"{pulumi.get_project()}-{pulumi.get_stack()}"}


def _partition(caller: aws.AwaitableGetCallerIdentityResult) -> str:
    """The part of AWS that the account is in: `aws`, `aws-us-gov`."""
    return caller.arn.split(":")[1]


@dataclass(frozen=True)
class Egress:
    """A way out of the VM. `to` is a CIDR block; EC2 takes no apostrophe in `reason`."""

    name: str
    port: int
    reason: str
    protocol: Literal["tcp", "udp"] = "tcp"
    to: str = "0.0.0.0/0"


def egress(settings: Settings, bootstrap_servers: str) -> list[Egress]:
    """What the VM must reach. Amazon's own DNS, time and metadata services are reached without a rule."""
    worker = settings.worker
    ports = {int(server.rpartition(":")[2]): "Kafka" for server in bootstrap_servers.split(",")}
    ports[80] = "Signed packages of the distribution"
    ports[443] = "AWS, package repository, connector archive"
    endpoints = worker.endpoints.model_dump().values()
    for url in (worker.repository_url, worker.key_url, settings.connector.archive_url, *endpoints):
        port = urlsplit(url).port if url is not None else None
        if port is not None:
            ports.setdefault(port, "A mirror or endpoint of the settings")
    protocols: tuple[Literal["tcp", "udp"], ...] = ("udp", "tcp")
    return [
        *(Egress(str(port), port, reason) for port, reason in ports.items()),
        *(
            Egress(f"dns-{address}-{protocol}", 53, "DNS", protocol, f"{address}/32")
            for address in worker.dns_servers
            for protocol in protocols
        ),
    ]
