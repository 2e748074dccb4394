"""ConnectWorker: the VMs that run the S3 sink, their network, role, secrets and alarms."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import pulumi
import pulumi_aws as aws

from components import policies
from components.archive.bucket import NO_DEFAULT_TAGS
from components.fleet.cluster import FleetCluster
from components.iam import Credentials
from components.running_stack import RunningStack
from components.settings import NAMESPACE
from components.settings.sections import FLEET_PORT
from components.worker import images, placement, readiness, secrets
from components.worker.bundle import Bundle, files, pack
from components.worker.cloud_config import user_data
from components.worker.config import WorkerConfig, metrics_namespace
from components.worker.connect import SinkConnector, connectors
from components.worker.egress import egress
from components.worker.monitoring import make_alarms, make_dashboard, make_topic
from components.worker.network import Network, NetworkArgs, network
from components.worker.role import make_role


@dataclass(frozen=True)
class Machine:
    """A VM, and where the VMs are. `ami`: None takes the newest Ubuntu LTS. `volume_gb`: GiB.

    `subnet_ids`: existing subnets; empty makes a VPC. `availability_zones`: for that VPC, in order of preference; empty
    for any zones. `dns_servers`: IPv4 addresses, where the VPC's DNS servers are not Amazon's. `boot_minutes`: how long
    an `up` waits for a new VM; 0 does not wait.
    """

    instance_type: str
    ami: str | None
    volume_gb: int
    subnet_ids: Sequence[str]
    availability_zones: Sequence[str]
    dns_servers: Sequence[str]
    boot_minutes: float


@dataclass(frozen=True)
class ConnectWorkerArgs:
    """`config`: what the files of a VM say. `running_stack`: the stack before this run.

    With `config.writer_identity` `user`, `writer_credentials` are that user's; with `role`, `writer_policy` has the
    rights for the VMs' role. `kms_key_arn`: of the bucket. `path`, `permissions_boundary_arn`: of the VMs' role.
    `secrets_key_arn`: encrypts the parameters; None makes a key. With metrics: the alarms send mail to
    `alarm_addresses` and notify the SNS topic `alarm_topic_arn`, and `dashboard` makes a dashboard. `reader_role_arn`:
    of the role with which Logz.io reads, whose use the VMs watch; None if they do not. `fleet` goes with `config.fleet`.
    """

    config: WorkerConfig
    machine: Machine
    kafka_api_key: pulumi.Output[str]
    kafka_api_secret: pulumi.Output[str]
    tags: Mapping[str, str]
    running_stack: RunningStack
    writer_credentials: Credentials | None = None
    writer_policy: pulumi.Output[str] | None = None
    kms_key_arn: str | None = None
    path: str = "/"
    permissions_boundary_arn: str | None = None
    secrets_key_arn: str | None = None
    alarm_addresses: Sequence[str] = ()
    alarm_topic_arn: str | None = None
    reader_role_arn: pulumi.Output[str] | None = None
    dashboard: bool = True
    fleet: FleetCluster | None = None

    def __post_init__(self) -> None:
        """Raises ValueError if what the connectors write with does not match `config`, or what the VMs log in with."""
        has_user = self.writer_credentials is not None
        if has_user == (self.writer_policy is not None) or has_user != (
            self.config.writer_identity == "user"
        ):
            raise ValueError("writer_credentials go with the identity user, writer_policy with role")
        if (self.fleet is None) != (self.config.fleet is None):
            raise ValueError("fleet goes with config.fleet")


class ConnectWorker(pulumi.ComponentResource):
    """VMs without inbound rules, their secrets in the parameter store, and alarms on their metrics.

    The VMs have the same files and are in the same consumer groups, so Kafka spreads the partitions over them. A change
    goes through them one after the other: a new VM must run before the next one is made, and the former VMs are removed
    at the end.

    Outputs, in the order of the VMs: `instance_ids` (resolved once the VMs run) and `availability_zones`. `architecture`
    is known at once, and so is `dashboard_name`. `made_topic_arn`: of the topic that sends the alarms as mail. These two
    are None where there is none.
    """

    instance_ids: list[pulumi.Output[str]]
    availability_zones: list[pulumi.Output[str]]
    architecture: images.Architecture
    made_topic_arn: pulumi.Output[str] | None = None
    dashboard_name: str | None = None

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
        bundle = self._bundle()
        caller = aws.get_caller_identity(opts=self._invoked)
        key_arn = self._secrets_key(caller)
        profile, rights = make_role(
            self,
            name,
            owner=self._owner,
            rights=self._rights(key_arn, caller, bundle),
            path=args.path,
            permissions_boundary_arn=args.permissions_boundary_arn,
            tags=args.tags,
        )
        parameters = self._parameters(key_arn, rights)
        made_network = network(self, name, self._network_args(zones))
        of_the_fleet = [] if args.fleet is None else args.fleet.needed
        needed = [self._files_object(bundle), *rights, *parameters, *made_network.needed, *of_the_fleet]
        instances: list[aws.ec2.Instance] = []
        running: list[pulumi.Output[aws.ec2.Instance]] = []
        for number in args.config.numbers:
            instance = self._instance(
                number,
                image_id=image_id,
                profile=profile,
                made_network=made_network,
                bundle=bundle,
                needed=needed,
                former=list(running),
            )
            instances.append(instance)
            running.append(self._running(number, instance))
        if args.config.metrics:
            self._monitor(instances)
        self.instance_ids = [vm.apply(lambda instance: instance.id) for vm in running]
        self.availability_zones = [
            made_network.subnet_of(number).availability_zone for number in args.config.numbers
        ]
        self.register_outputs({"instanceIds": self.instance_ids})

    def _bundle(self) -> pulumi.Output[Bundle]:
        """The VMs' files. Only the name of the reader's role is unknown until AWS has made the role."""
        config = self._args.config
        if self._args.reader_role_arn is None:
            return pulumi.Output.from_input(pack(files(config)))
        return self._args.reader_role_arn.apply(
            lambda arn: pack(files(replace(config, reader_role=arn.rpartition("/")[2])))
        )

    def _instance(
        self,
        number: int,
        *,
        image_id: str,
        profile: aws.iam.InstanceProfile,
        made_network: Network,
        bundle: pulumi.Output[Bundle],
        needed: Sequence[pulumi.Resource],
        former: Sequence[pulumi.Output[aws.ec2.Instance]],
    ) -> aws.ec2.Instance:
        """Makes the VM with this number once the VMs of the `former` numbers run."""
        config, machine = self._args.config, self._args.machine
        data: pulumi.Output[str] = bundle.apply(
            lambda known: _after(former, user_data(config, known, number))
        )
        return aws.ec2.Instance(
            # VM 1 has the name that it had while there was one VM.
            self._name if number == 1 else f"{self._name}-{number}",
            ami=image_id,
            instance_type=machine.instance_type,
            subnet_id=made_network.subnet_of(number).id,
            vpc_security_group_ids=[made_network.security_group_id],
            iam_instance_profile=profile.name,
            metadata_options=aws.ec2.InstanceMetadataOptionsArgs(
                http_endpoint="enabled", http_tokens="required", http_put_response_hop_limit=1
            ),
            root_block_device=aws.ec2.InstanceRootBlockDeviceArgs(
                encrypted=True, volume_type="gp3", volume_size=machine.volume_gb
            ),
            maintenance_options=aws.ec2.InstanceMaintenanceOptionsArgs(auto_recovery="default"),
            user_data=data,
            # A VM that is stopped and started does not run its new user-data.
            user_data_replace_on_change=True,
            tags=self._named_tags(),
            volume_tags=self._named_tags(),
            opts=self._instance_options(needed),
        )

    def _running(self, number: int, instance: aws.ec2.Instance) -> pulumi.Output[aws.ec2.Instance]:
        return readiness.running(
            instance,
            number=number,
            parameter_name=self._args.config.status_parameter(number),
            known=self._args.running_stack.instance_ids,
            minutes=self._args.machine.boot_minutes,
        )

    def _monitor(self, instances: Sequence[aws.ec2.Instance]) -> None:
        args = self._args
        topic_arns: list[pulumi.Input[str]] = [] if args.alarm_topic_arn is None else [args.alarm_topic_arn]
        reader_role = args.reader_role_arn is not None
        needed: list[pulumi.Resource] = [*instances]
        if args.alarm_addresses:
            topic = make_topic(self, self._name, self._owner, args.alarm_addresses, args.tags)
            self.made_topic_arn = topic.arn
            topic_arns.append(topic.arn)
            needed += topic.ready
        made = make_alarms(
            self,
            self._name,
            args.config,
            topic_arns=topic_arns,
            tags=args.tags,
            depends_on=needed,
            reader_role=reader_role,
        )
        if args.dashboard:
            self.dashboard_name = make_dashboard(self, self._name, args.config, made, reader_role=reader_role)

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

    def _rights(
        self,
        key_arn: pulumi.Input[str],
        caller: aws.AwaitableGetCallerIdentityResult,
        bundle: pulumi.Output[Bundle],
    ) -> dict[str, pulumi.Input[str]]:
        """Name of a right of the VMs -> policy document."""
        args, config = self._args, self._args.config
        credentials = list(config.parameters.values())
        statuses = [
            secrets.parameter_arn(config.status_parameter(number), config.region, caller)
            for number in config.numbers
        ]
        rights: dict[str, pulumi.Input[str]] = {
            "secrets": secrets.secrets_policy(credentials, key_arn, config.region, caller),
            "status": policies.to_json(policies.worker_status(statuses)),
            "files": bundle.apply(
                lambda known: policies.to_json(
                    policies.worker_files(config.bucket, known.key, args.kms_key_arn)
                )
            ),
            "session-manager": policies.to_json(policies.session_manager()),
        }
        if config.fleet is not None:
            names = [config.connector_parameter(connector.name) for connector in connectors(config)]
            arns = [secrets.parameter_arn(name, config.region, caller) for name in names]
            rights["connectors"] = policies.to_json(policies.connector_settings(arns))
        if config.metrics:
            rights["metrics"] = policies.to_json(policies.metrics(metrics_namespace(self._owner.path)))
        if args.reader_role_arn is not None:
            rights["reader-use"] = args.reader_role_arn.apply(
                lambda arn: policies.to_json(policies.reader_use(arn))
            )
        if args.writer_policy is not None:
            rights["writer"] = args.writer_policy
        return rights

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
        if args.fleet is not None:
            certificate = args.fleet.certificate
            values["fleet"] = {"key": args.fleet.api_key, "secret": args.fleet.api_secret}
            values["certificate"] = {
                "archive": certificate.archive,
                "password": certificate.password,
                "not_after": certificate.not_after,
            }
        statuses = [
            readiness.status_parameter(
                self,
                self._name,
                number=number,
                parameter_name=args.config.status_parameter(number),
                tags=dict(args.tags),
            )
            for number in args.config.numbers
        ]
        credentials_parameters = [
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
        of_connectors = (
            []
            if args.fleet is None
            else [self._connector_parameter(connector) for connector in connectors(args.config)]
        )
        return [*credentials_parameters, *statuses, *of_connectors]

    def _connector_parameter(self, connector: SinkConnector) -> pulumi.Resource:
        """The wanted properties of a connector. No VM owns them: a former VM must not put back what it was made with."""
        return aws.ssm.Parameter(
            f"{self._name}-connector-{connector.name}",
            name=self._args.config.connector_parameter(connector.name),
            type="String",
            description=f"Properties of the connector {connector.name}; the VMs give them to Kafka Connect",
            value=connector.text,
            tags=dict(self._args.tags),
            opts=self._child,
        )

    def _network_args(self, zones: Sequence[str]) -> NetworkArgs:
        args, config, machine = self._args, self._args.config, self._args.machine
        urls = (
            config.platform.repository_url,
            config.platform.key_url,
            config.sink.url,
            config.endpoints.s3,
            config.endpoints.ssm,
            config.endpoints.cloudwatch,
            config.endpoints.iam,
        )
        return NetworkArgs(
            region=config.region,
            instance_type=machine.instance_type,
            count=config.count,
            subnet_ids=machine.subnet_ids,
            availability_zones=machine.availability_zones,
            present_zones=args.running_stack.availability_zones,
            zones=zones,
            ways_out=egress(config.bootstrap_servers, urls, machine.dns_servers),
            fleet_port=None if config.fleet is None else FLEET_PORT,
            tags=args.tags,
            named_tags=self._named_tags(),
        )

    def _files_object(self, bundle: pulumi.Output[Bundle]) -> pulumi.Resource:
        """The VMs' files in the bucket. Other content is another object; old ones stay, some kB each."""
        return aws.s3.BucketObjectv2(
            f"{self._name}-files",
            bucket=self._args.config.bucket,
            key=bundle.apply(lambda known: known.key),
            content_base64=bundle.apply(lambda known: base64.b64encode(known.content).decode()),
            content_type="application/x-bzip2",
            tags=dict(self._args.tags),
            override_provider=NO_DEFAULT_TAGS,
            opts=pulumi.ResourceOptions(
                parent=self,
                # If `up` fails on new content, the old object waits to be deleted. The next `up`, with the settings of
                # before, would put it again under the same key and then delete it. It goes with the bucket, which may
                # also be locked now or before: S3 would refuse to delete the object.
                retain_on_delete=True,
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
            # A new VM is made first: the two share the partitions meanwhile, and conditional writes keep every object.
            # But keys of another partitioner may sort before those of the new VM, and Logz.io would not read them.
            delete_before_replace=running.exists
            and running.partitioner != self._args.config.sink.partitioner,
            # The plugin would change the size in place: EBS refuses a smaller size at each later `up`, and the file
            # system learns of a larger size only at the next boot.
            replace_on_changes=["rootBlockDevice.volumeSize"],
            ignore_changes=["ami"] if keeps_image else [],
        )

    def _named_tags(self) -> dict[str, str]:
        return {**self._args.tags, "Name": f"{self._owner.project}-{self._owner.stack}"}


async def _after(former: Sequence[pulumi.Output[aws.ec2.Instance]], value: str) -> str:
    """The value, once the former VMs run.

    This is no dependency of the new VM. With one, the engine would remove the replaced VMs one after the other, and each
    VM that leaves the consumer group makes the others read their open files again.
    """
    for instance in former:
        await instance.future()
    return value
