"""ConnectWorker: the VM that runs the S3 sink, its network, its role, its secrets and its alarms."""

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal
from urllib.parse import urlsplit

import pulumi
import pulumi_aws as aws

from components import policies
from components.access import Credentials
from components.settings import Settings, SettingsError, problem
from components.worker.alarms import ALARMS
from components.worker.bundle import Bundle, files, pack
from components.worker.cloud_config import user_data
from components.worker.connect import WorkerFacts, metrics_namespace, parameter_name

# Canonical's public parameter: the newest image of this release.
UBUNTU_LTS_PARAMETER = "/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id"
NETWORK_CIDR = "10.42.0.0/24"
_AVAILABILITY_ZONE = re.compile(r"[a-z]{2}(-[a-z]+)+-\d[a-z]")


@dataclass(frozen=True)
class ConnectWorkerArgs:
    """Exactly one of `writer_credentials` and `writer_policy` is set: a user's key, or rights for the VM's role."""

    settings: Settings
    bootstrap_servers: str
    kafka_api_key: pulumi.Output[str]
    kafka_api_secret: pulumi.Output[str]
    tags: Mapping[str, str]
    writer_credentials: Credentials | None = None
    writer_policy: pulumi.Output[str] | None = None


class ConnectWorker(pulumi.ComponentResource):
    """One VM, no inbound rule, its secrets in the parameter store, alarms on its metrics. Output: `instance_id`."""

    instance_id: pulumi.Output[str]

    def __init__(
        self, name: str, args: ConnectWorkerArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("logexporter:worker:ConnectWorker", name, None, opts)
        self._name = name
        self._args = args
        self._child = pulumi.ResourceOptions(parent=self)
        parameters = self._parameters()
        facts = WorkerFacts(
            stack=pulumi.get_stack(),
            bootstrap_servers=args.bootstrap_servers,
            parameters={
                credentials: parameter_name(pulumi.get_stack(), credentials) for credentials in parameters
            },
        )
        bundle = pack(files(args.settings, facts))
        profile, granted = self._role(list(parameters.values()), bundle)
        subnet_id, security_group_id, network = self._network()
        boot = user_data(args.settings, facts, bundle)
        needed = [self._worker_files(bundle), *granted, *network]
        instance = self._instance(profile, subnet_id, security_group_id, boot, needed)
        if args.settings.worker.metrics:
            self._alarms(instance)
        self.instance_id = instance.id
        self.register_outputs({"instanceId": self.instance_id})

    def _parameters(self) -> dict[str, aws.ssm.Parameter]:
        """Each pair of credentials is one parameter, so that a rotation never shows half a pair."""
        args = self._args
        values = {"kafka": {"key": args.kafka_api_key, "secret": args.kafka_api_secret}}
        if args.writer_credentials is not None:
            values["writer"] = {
                "access_key_id": args.writer_credentials.access_key_id,
                "secret_access_key": args.writer_credentials.secret_access_key,
            }
        return {
            credentials: aws.ssm.Parameter(
                f"{self._name}-{credentials}-credentials",
                name=parameter_name(pulumi.get_stack(), credentials),
                type="SecureString",
                description=f"Read by the VM alone: its {credentials} credentials",
                # Secret, since a part of it is.
                value=pulumi.Output.json_dumps(pair),
                tags=dict(args.tags),
                opts=self._child,
            )
            for credentials, pair in values.items()
        }

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
            opts=pulumi.ResourceOptions(
                parent=self,
                # As the sentinels: the bucket may be locked, or have been, and S3 would refuse to delete it.
                retain_on_delete=not archive.destroy_with_data,
                ignore_changes=["objectLockMode", "objectLockRetainUntilDate"],
            ),
        )

    def _role(
        self, parameters: Sequence[aws.ssm.Parameter], bundle: Bundle
    ) -> tuple[aws.iam.InstanceProfile, list[pulumi.Resource]]:
        """The VM's role with all its rights; the instance waits for them."""
        role = aws.iam.Role(
            self._name,
            description="The VM that archives the audit log",
            assume_role_policy=policies.to_json(policies.instance_trust()),
            tags=dict(self._args.tags),
            opts=self._child,
        )
        archive = self._args.settings.archive
        arns = pulumi.Output.all(*(parameter.arn for parameter in parameters))
        rights: dict[str, pulumi.Input[str]] = {
            "secrets": arns.apply(lambda known: policies.to_json(policies.secrets(known))),
            "files": policies.to_json(policies.worker_files(archive.bucket, bundle.key, archive.kms_key_arn)),
            "session-manager": policies.to_json(policies.session_manager()),
        }
        if self._args.settings.worker.metrics:
            rights["metrics"] = policies.to_json(policies.metrics(metrics_namespace(pulumi.get_stack())))
        if self._args.writer_policy is not None:
            rights["writer"] = self._args.writer_policy
        granted: list[pulumi.Resource] = [
            aws.iam.RolePolicy(f"{self._name}-{right}", role=role.name, policy=policy, opts=self._child)
            for right, policy in rights.items()
        ]
        profile = aws.iam.InstanceProfile(
            self._name, role=role.name, tags=dict(self._args.tags), opts=self._child
        )
        return profile, granted

    def _network(self) -> tuple[pulumi.Input[str], pulumi.Input[str], list[pulumi.Resource]]:
        """Subnet id, security group id, and what must stand before the VM can reach anything."""
        subnet_id = self._args.settings.worker.subnet_id
        if subnet_id is not None:
            vpc_id: pulumi.Input[str] = aws.ec2.get_subnet_output(id=subnet_id).vpc_id
            security_group_id, rules = self._security_group(vpc_id)
            return subnet_id, security_group_id, rules
        return self._own_network()

    def _own_network(self) -> tuple[pulumi.Input[str], pulumi.Input[str], list[pulumi.Resource]]:
        name, tags, child = self._name, self._named_tags(), self._child
        vpc = aws.ec2.Vpc(
            name,
            cidr_block=NETWORK_CIDR,
            enable_dns_support=True,
            enable_dns_hostnames=True,
            tags=tags,
            opts=child,
        )
        gateway = aws.ec2.InternetGateway(name, vpc_id=vpc.id, tags=tags, opts=child)
        subnet = aws.ec2.Subnet(
            name,
            vpc_id=vpc.id,
            cidr_block=NETWORK_CIDR,
            availability_zone=_availability_zone(self._args.settings.worker.instance_type),
            map_public_ip_on_launch=True,
            tags=tags,
            # Two subnets of one address range do not stand side by side.
            opts=pulumi.ResourceOptions(parent=self, delete_before_replace=True),
        )
        table = aws.ec2.RouteTable(name, vpc_id=vpc.id, tags=tags, opts=child)
        route = aws.ec2.Route(
            name,
            route_table_id=table.id,
            destination_cidr_block="0.0.0.0/0",
            gateway_id=gateway.id,
            opts=child,
        )
        association = aws.ec2.RouteTableAssociation(
            name, subnet_id=subnet.id, route_table_id=table.id, opts=child
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
            ami=worker.ami or _default_image(),
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
                # A later release of the default image is no reason to replace a running VM.
                ignore_changes=[] if worker.ami else ["ami"],
            ),
        )

    def _alarms(self, instance: aws.ec2.Instance) -> None:
        # After the instance: two of them take silence for a fault.
        after = pulumi.ResourceOptions(parent=self, depends_on=[instance])
        topic = self._args.settings.worker.alarm_topic_arn
        told = [] if topic is None else [topic]
        for alarm in ALARMS:
            aws.cloudwatch.MetricAlarm(
                f"{self._name}-{alarm.name}",
                alarm_description=alarm.description,
                namespace=metrics_namespace(pulumi.get_stack()),
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
                opts=after,
            )

    def _named_tags(self) -> dict[str, str]:
        return {**self._args.tags, "Name": f"{pulumi.get_project()}-{pulumi.get_stack()}"}


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


def _availability_zone(instance_type: str) -> str:
    """The first zone of the region that has instances of this type: not every zone has them all.

    Local and Wavelength Zones, which an account may have opted in to (us-west-2-lax-1a), lack what the VM needs.

    Raises:
        SettingsError: none has.
    """
    offered = aws.ec2.get_instance_type_offerings(
        location_type="availability-zone",
        filters=[aws.ec2.GetInstanceTypeOfferingsFilterArgs(name="instance-type", values=[instance_type])],
    )
    zones = [zone for zone in offered.locations if _AVAILABILITY_ZONE.fullmatch(zone)]
    if not zones:
        raise SettingsError(
            [
                problem(
                    "worker.instanceType",
                    f"no availability zone of this region has {instance_type}",
                    "a type that `aws ec2 describe-instance-type-offerings` lists",
                )
            ]
        )
    return min(zones)


def _default_image() -> str:
    """The id of the newest Ubuntu LTS image in the region."""
    return str(aws.ssm.get_parameter(name=UBUNTU_LTS_PARAMETER).value)
