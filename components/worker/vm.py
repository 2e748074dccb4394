"""ConnectWorker: the VM that runs the S3 sink, its network, its role, its secrets and its alarms."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pulumi
import pulumi_aws as aws

from components import policies
from components.archive.bucket import NO_DEFAULT_TAGS
from components.iam import Credentials, renamed_since_0_1
from components.running_stack import RunningStack
from components.settings import NAMESPACE
from components.worker import images, placement, secrets
from components.worker.alarms import alarms
from components.worker.bundle import Bundle, files, pack
from components.worker.cloud_config import user_data
from components.worker.config import WorkerConfig, metrics_namespace
from components.worker.egress import egress
from components.worker.network import NetworkArgs, network

ALARM_NAME_LENGTH = 247  # of CloudWatch's 255: see Owner.resource_name


@dataclass(frozen=True)
class Machine:
    """The VM and where it is. `ami`: None takes the newest Ubuntu LTS. `volume_gb`: GiB.

    `subnet_id`: an existing subnet; None makes a VPC. `availability_zones`: for that VPC, in order of preference; empty
    for any zone. `dns_servers`: IPv4 addresses, where the VPC's DNS servers are not Amazon's.
    """

    instance_type: str
    ami: str | None
    volume_gb: int
    subnet_id: str | None
    availability_zones: Sequence[str]
    dns_servers: Sequence[str]


@dataclass(frozen=True)
class ConnectWorkerArgs:
    """`config`: what the VM's files say. `running_stack`: the stack before this run.

    With `config.writer_identity` `user`, `writer_credentials` are that user's; with `role`, `writer_policy` has the
    rights for the VM's role. `kms_key_arn`: of the bucket. `keep_files`: the VM's files stay in the bucket at
    `destroy`. `path`, `permissions_boundary_arn`: of the VM's role. `secrets_key_arn`: encrypts the parameters; None
    makes a key. `alarm_topic_arn`: of the SNS topic for alarms.
    """

    config: WorkerConfig
    machine: Machine
    kafka_api_key: pulumi.Output[str]
    kafka_api_secret: pulumi.Output[str]
    tags: Mapping[str, str]
    running_stack: RunningStack
    keep_files: bool = True
    writer_credentials: Credentials | None = None
    writer_policy: pulumi.Output[str] | None = None
    kms_key_arn: str | None = None
    path: str = "/"
    permissions_boundary_arn: str | None = None
    secrets_key_arn: str | None = None
    alarm_topic_arn: str | None = None

    def __post_init__(self) -> None:
        """Raises ValueError if what the connectors write with does not match `config.writer_identity`."""
        has_user = self.writer_credentials is not None
        if has_user == (self.writer_policy is not None) or has_user != (
            self.config.writer_identity == "user"
        ):
            raise ValueError("writer_credentials go with the identity user, writer_policy with role")


class ConnectWorker(pulumi.ComponentResource):
    """One VM without inbound rules, its secrets in the parameter store, and alarms on its metrics.

    Outputs: `instance_id`, `availability_zone`, `architecture`.
    """

    instance_id: pulumi.Output[str]
    availability_zone: pulumi.Output[str]
    architecture: images.Architecture

    def __init__(
        self, name: str, args: ConnectWorkerArgs, opts: pulumi.ResourceOptions | None = None
    ) -> None:
        super().__init__("logexporter:worker:ConnectWorker", name, None, opts)
        self._name = name
        self._args = args
        self._owner = args.config.owner
        self._child = pulumi.ResourceOptions(parent=self)
        self._invoked = pulumi.InvokeOptions(parent=self)
        # Asked first: a setting that does not fit is refused before anything is made.
        zones = placement.zones_with(args.machine.instance_type, self._invoked)
        self.architecture = images.architecture_of(args.machine.instance_type, self._invoked)
        image_id = self._image()
        bundle = pack(files(args.config))
        caller = aws.get_caller_identity(opts=self._invoked)
        key_arn = self._secrets_key(caller)
        parameter_names = list(args.config.parameters.values())
        secrets_policy = secrets.secrets_policy(parameter_names, key_arn, args.config.region, caller)
        profile, rights = self._role(secrets_policy, bundle)
        parameters = self._parameters(key_arn, rights)
        made_network = network(self, name, self._network_args(zones))
        self.availability_zone = made_network.availability_zone
        needed = [self._files_object(bundle), *rights, *parameters, *made_network.needed]
        instance = aws.ec2.Instance(
            name,
            ami=image_id,
            instance_type=args.machine.instance_type,
            subnet_id=made_network.subnet_id,
            vpc_security_group_ids=[made_network.security_group_id],
            iam_instance_profile=profile.name,
            metadata_options=aws.ec2.InstanceMetadataOptionsArgs(
                http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=1
            ),
            root_block_device=aws.ec2.InstanceRootBlockDeviceArgs(
                encrypted=True, volume_type="gp3", volume_size=args.machine.volume_gb
            ),
            maintenance_options=aws.ec2.InstanceMaintenanceOptionsArgs(auto_recovery="default"),
            user_data=user_data(args.config, bundle),
            # A VM that is stopped and started does not run its new user-data.
            user_data_replace_on_change=True,
            tags=self._named_tags(),
            volume_tags=self._named_tags(),
            opts=self._instance_options(needed),
        )
        if args.config.metrics:
            self._alarms(instance)
        self.instance_id = instance.id
        self.register_outputs({"instanceId": self.instance_id})

    def _image(self) -> str:
        """The id of the given image, or of the default image for the instance type's architecture.

        Raises:
            SettingsError: the given image is for another architecture.
        """
        machine = self._args.machine
        if self.architecture == "arm64":
            pulumi.log.warn(
                f"{NAMESPACE}:worker.instanceType: {machine.instance_type} is an ARM type: its image and packages "
                "exist, but nobody has tried them with this program",
                self,
            )
        if machine.ami is None:
            return images.default_image(self.architecture, self._invoked)
        images.require_fitting_image(machine.ami, machine.instance_type, self.architecture, self._invoked)
        return machine.ami

    def _secrets_key(self, caller: aws.AwaitableGetCallerIdentityResult) -> pulumi.Input[str]:
        """The ARN of the key that encrypts the parameters: the given key, or a key of the stack."""
        if self._args.secrets_key_arn is not None:
            return self._args.secrets_key_arn
        return secrets.secrets_key(
            self, f"{self._name}-secrets", owner=self._owner, caller=caller, tags=self._args.tags
        )

    def _role(
        self, secrets_policy: pulumi.Input[str], bundle: Bundle
    ) -> tuple[aws.iam.InstanceProfile, list[pulumi.Resource]]:
        """The VM's role: its instance profile and its rights. The instance waits for the rights."""
        args, config = self._args, self._args.config
        role = aws.iam.Role(
            self._owner.resource_name(self._name),
            description="The VM that archives the audit log",
            assume_role_policy=policies.to_json(policies.instance_trust()),
            path=args.path,
            permissions_boundary=args.permissions_boundary_arn,
            tags=dict(args.tags),
            opts=renamed_since_0_1(self, self._name),
        )
        documents: dict[str, pulumi.Input[str]] = {
            "secrets": secrets_policy,
            "files": policies.to_json(policies.worker_files(config.bucket, bundle.key, args.kms_key_arn)),
            "session-manager": policies.to_json(policies.session_manager()),
        }
        if config.metrics:
            documents["metrics"] = policies.to_json(policies.metrics(metrics_namespace(self._owner.path)))
        if args.writer_policy is not None:
            documents["writer"] = args.writer_policy
        rights: list[pulumi.Resource] = [
            aws.iam.RolePolicy(f"{self._name}-{right}", role=role.name, policy=document, opts=self._child)
            for right, document in documents.items()
        ]
        profile = aws.iam.InstanceProfile(
            self._owner.resource_name(self._name),
            path=args.path,
            role=role.name,
            tags=dict(args.tags),
            opts=renamed_since_0_1(self, self._name),
        )
        return profile, rights

    def _parameters(
        self, key_arn: pulumi.Input[str], rights: Sequence[pulumi.Resource]
    ) -> list[pulumi.Resource]:
        args = self._args
        values = {"kafka": {"key": args.kafka_api_key, "secret": args.kafka_api_secret}}
        if args.writer_credentials is not None:
            values["writer"] = {
                "access_key_id": args.writer_credentials.access_key_id,
                "secret_access_key": args.writer_credentials.secret_access_key,
            }
        return [
            secrets.parameter(
                self,
                self._name,
                credentials=credentials,
                parameter_name=parameter_name,
                value=values[credentials],
                key_arn=key_arn,
                tags=args.tags,
                depends_on=rights,
            )
            for credentials, parameter_name in args.config.parameters.items()
        ]

    def _network_args(self, zones: Sequence[str]) -> NetworkArgs:
        args, config, machine = self._args, self._args.config, self._args.machine
        urls = (
            config.platform.repository_url,
            config.platform.key_url,
            config.sink.url,
            config.endpoints.s3,
            config.endpoints.ssm,
            config.endpoints.cloudwatch,
        )
        return NetworkArgs(
            region=config.region,
            instance_type=machine.instance_type,
            subnet_id=machine.subnet_id,
            availability_zones=machine.availability_zones,
            present_zone=args.running_stack.availability_zone,
            zones=zones,
            ways_out=egress(config.kafka.bootstrap_servers, urls, machine.dns_servers),
            tags=args.tags,
            named_tags=self._named_tags(),
        )

    def _files_object(self, bundle: Bundle) -> pulumi.Resource:
        """The VM's files in the bucket. Other content is another object; the old object goes after the old VM."""
        return aws.s3.BucketObjectv2(
            f"{self._name}-files",
            bucket=self._args.config.bucket,
            key=bundle.key,
            content_base64=base64.b64encode(bundle.content).decode(),
            content_type="application/x-bzip2",
            tags=dict(self._args.tags),
            override_provider=NO_DEFAULT_TAGS,
            opts=pulumi.ResourceOptions(
                parent=self,
                # As for the sentinels: the bucket may be locked now or before, and S3 would refuse to delete the object.
                retain_on_delete=self._args.keep_files,
                ignore_changes=["objectLockMode", "objectLockRetainUntilDate"],
            ),
        )

    def _instance_options(self, needed: Sequence[pulumi.Resource]) -> pulumi.ResourceOptions:
        running = self._args.running_stack
        changes_architecture = running.exists and running.architecture != self.architecture
        # A later release of the default image is no reason to replace a running VM.
        keeps_image = self._args.machine.ami is None and not changes_architecture
        return pulumi.ResourceOptions(
            parent=self,
            depends_on=needed,
            # Two workers in one consumer group would write the same objects at the same time.
            delete_before_replace=True,
            # The plugin would change the size in place: EBS refuses a smaller size at each later `up`, and the file
            # system learns of a larger size only at the next boot.
            replace_on_changes=["rootBlockDevice.volumeSize"],
            ignore_changes=["ami"] if keeps_image else [],
        )

    def _alarms(self, instance: aws.ec2.Instance) -> None:
        topic = self._args.alarm_topic_arn
        actions = [] if topic is None else [topic]
        for alarm in alarms(originals=self._args.config.originals is not None):
            name = f"{self._name}-{alarm.name}"
            aws.cloudwatch.MetricAlarm(
                self._owner.resource_name(name, longest=ALARM_NAME_LENGTH),
                # A mail shows its stack this way, also for an alarm that still has its name of version 0.1.
                alarm_description=f"{self._owner}: {alarm.description}",
                namespace=metrics_namespace(self._owner.path),
                metric_name=alarm.metric,
                statistic=alarm.statistic,
                comparison_operator=alarm.comparison,
                threshold=alarm.threshold,
                period=alarm.period,
                evaluation_periods=alarm.periods,
                treat_missing_data=alarm.missing,
                alarm_actions=actions,
                ok_actions=actions,
                tags=dict(self._args.tags),
                # After the instance: two of the alarms treat missing data as a fault.
                opts=renamed_since_0_1(self, name, depends_on=[instance]),
            )

    def _named_tags(self) -> dict[str, str]:
        return {**self._args.tags, "Name": f"{self._owner.project}-{self._owner.stack}"}
