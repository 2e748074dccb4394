"""What exists in the local AWS before anybody may call it."""

import json
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from moto.core.utils import utcnow
from moto.ec2.models import ec2_backends
from moto.iam.models import iam_backends
from moto.ssm.models import Parameter, ssm_backends

from local.base.files import write_atomically
from local.systems.aws.images import UBUNTU_AMI, UBUNTU_ARM_AMI

ACCOUNT = "123456789012"
"""The account that the stack is deployed into: moto's own default."""

LOGZIO_ACCOUNT = "406095609952"
"""The account that plays Logz.io. The number stands in Logz.io's documentation as an example."""

UBUNTU_PARAMETER = "/aws/service/canonical/ubuntu/server/24.04/stable/current/amd64/hvm/ebs-gp3/ami-id"
_PARAMETERS = {UBUNTU_PARAMETER: UBUNTU_AMI, UBUNTU_PARAMETER.replace("/amd64/", "/arm64/"): UBUNTU_ARM_AMI}

_ANYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
_ASSUME = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}],
}


def bootstrap(folder: Path) -> str:
    """Makes the users and Canonical's public parameters.

    Writes `deployer.json`, `logzio.json` ({"account_id", "access_key_id", "secret_access_key"}) and
    `ec2.json` ({"token"}, for the service's own endpoints), all readable by the owner only.

    Returns:
        The token.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _user(ACCOUNT, "deployer", _ANYTHING, folder / "deployer.json")
    _user(LOGZIO_ACCOUNT, "logzio", _ASSUME, folder / "logzio.json")
    for region in ec2_backends[ACCOUNT].regions:
        parameters = ssm_backends[ACCOUNT][region]._parameters
        for name, image in _PARAMETERS.items():
            parameters[name].append(_public_parameter(name, image))
    token = secrets.token_urlsafe(32)
    _write_private(folder / "ec2.json", {"token": token})
    return token


def _public_parameter(name: str, value: str) -> Any:
    parameter: Any = Parameter  # moto's own use: abstract in its types only
    return parameter(
        account_id=ACCOUNT,
        name=name,
        value=value,
        parameter_type="String",
        description=None,
        allowed_pattern=None,
        keyid=None,
        last_modified_date=utcnow(),
        version=1,
        data_type="aws:ec2:image",
    )


def _user(account: str, name: str, policy: Mapping[str, object], file: Path) -> None:
    iam = iam_backends[account]["aws"]
    iam.create_user("us-east-1", name)
    iam.put_user_policy(name, "local-stack", json.dumps(policy))
    key = iam.create_access_key(name)
    _write_private(
        file,
        {
            "account_id": account,
            "access_key_id": key.access_key_id,
            "secret_access_key": key.secret_access_key,
        },
    )


def _write_private(file: Path, content: dict[str, str]) -> None:
    write_atomically(file, json.dumps(content), mode=0o600)
