"""Each example is previewed by the real engine."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from components.settings import NAMESPACE
from local.base import paths
from tests.engine.program_stack import ProgramStack, program_stack

FILES = sorted((paths.ROOT / "examples").glob("Pulumi.*.yaml"))


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProgramStack]:
    """A stack that was never up."""
    with program_stack(tmp_path_factory.mktemp("examples")) as made:
        yield made


def _subnet(stack: ProgramStack) -> str:
    """A subnet with a way out, as the example's organisation has one."""
    ec2 = stack.aws("ec2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    gateway = ec2.create_internet_gateway()["InternetGateway"]["InternetGatewayId"]
    ec2.attach_internet_gateway(InternetGatewayId=gateway, VpcId=vpc)
    (table,) = ec2.describe_route_tables(Filters=[{"Name": "vpc-id", "Values": [vpc]}])["RouteTables"]
    ec2.create_route(RouteTableId=table["RouteTableId"], DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.1.0/24", AvailabilityZone="us-west-2a")["Subnet"]
    return str(subnet["SubnetId"])


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_example_is_previewed(stack: ProgramStack, file: Path) -> None:
    config = yaml.safe_load(file.read_text())["config"]
    # The systems that are here, and what a person sets encrypted.
    config.setdefault(f"{NAMESPACE}:logzio", {})["apiUrl"] = stack.logzio.url
    source, worker = config[f"{NAMESPACE}:source"], config.get(f"{NAMESPACE}:worker", {})
    if "apiKey" in source:
        source["apiSecret"] = "made-up/secret+of=the-tests"
    if "subnetId" in worker:
        worker["subnetId"] = _subnet(stack)
    stack.write(config)

    planned = stack.planned()

    assert [name for name in planned if name.startswith("aws:s3/bucket:Bucket::")]
    assert set(planned.values()) == {"create"}
