"""The permissions on a SecureString's KMS key that Parameter Store needs, and the key's policy.

Sources:

- AWS Systems Manager user guide, "AWS KMS encryption for AWS Systems Manager Parameter Store SecureString parameters"
  and "Restricting decryption of SecureString parameter values": Parameter Store calls KMS in the caller's name, Encrypt
  for a standard parameter that is put and Decrypt for one that is read decrypted, with the parameter's ARN as encryption
  context. The default key `aws/ssm` lets every principal of the account decrypt.
- AWS KMS developer guide, condition keys "kms:ViaService", "kms:CallerAccount", "kms:EncryptionContext:context-key".
"""

import inspect
import json
from collections.abc import Iterator, Mapping
from typing import Any

from moto.kms.models import kms_backends
from moto.ssm.models import SimpleSystemManagerBackend, ssm_backends

from local.systems.aws.policy import Access

DEFAULT_KEY = "alias/aws/ssm"

_PARTITION = "aws"


def install() -> None:
    """Puts a SecureString under the default key unless the request names one.

    moto keeps the key of a parameter that is overwritten. According to AWS's documentation it is the default key then
    (AWS KMS developer guide, "How AWS Systems Manager Parameter Store uses AWS KMS"). Not tried on AWS.
    """
    backend: Any = SimpleSystemManagerBackend
    put_parameter = backend.put_parameter
    signature = inspect.signature(put_parameter)

    def put(*given: Any, **named: Any) -> Any:
        request = signature.bind(*given, **named).arguments
        if request["keyid"] is None and request["parameter_type"] == "SecureString":
            request["keyid"] = DEFAULT_KEY
        return put_parameter(**request)

    backend.put_parameter = put


def for_parameters(
    action: str, params: Mapping[str, Any], *, region: str, account: str, context: Mapping[str, list[str]]
) -> Iterator[Access]:
    """The permissions on keys that an operation of Parameter Store needs, in addition to its own."""
    via = {
        "kms:viaservice": [f"ssm.{region}.amazonaws.com"],
        "kms:calleraccount": context["aws:principalaccount"],
    }
    for needed, key, name in _uses(action, params, region, account):
        parameter = f"arn:{_PARTITION}:ssm:{region}:{account}:parameter/{name.lstrip('/')}"
        encryption_context = {"kms:encryptioncontext:parameter_arn": [parameter]}
        yield Access(needed, _key_arn(key, region, account), {**context, **via, **encryption_context})


def _uses(
    action: str, params: Mapping[str, Any], region: str, account: str
) -> Iterator[tuple[str, str, str]]:
    """Action, key and name of the parameter."""
    if action == "PutParameter" and params.get("Type") == "SecureString":
        yield "kms:Encrypt", str(params.get("KeyId") or DEFAULT_KEY), str(params["Name"])
    elif params.get("WithDecryption"):
        for parameter in _versions(action, params, region, account):
            if parameter.parameter_type == "SecureString":
                yield "kms:Decrypt", parameter.keyid, parameter.name


def _versions(action: str, params: Mapping[str, Any], region: str, account: str) -> Iterator[Any]:
    """The versions of parameters that an operation may read: each may have a key of its own."""
    stored = ssm_backends[account][region]._parameters
    if action == "GetParametersByPath":
        folder = str(params["Path"]).rstrip("/") + "/"
        asked = [name for name in list(stored) if name.startswith(folder)]
    else:
        asked = [str(name) for name in params.get("Names") or [params.get("Name")]]
    for reference in asked:
        # `name`, `name:3` or an ARN.
        name, _, version = (reference.partition(":parameter")[2] or reference).partition(":")
        versions = list(stored.get(name, ()))
        yield from versions if version or action == "GetParameterHistory" else versions[-1:]


def _key_arn(key: str, region: str, account: str) -> str:
    """The ARN of a key that is named by ARN, id or alias; the default key, whose id is not known, by its alias."""
    if ":key/" in key:
        return key
    name = key if key == DEFAULT_KEY else f"key/{kms_backends[account][region].any_id_to_key_id(key)}"
    return f"arn:{_PARTITION}:kms:{region}:{account}:{name}"


def policy_of(key_arn: str) -> dict[str, Any] | None:
    """The key's policy; None if there is no such key here."""
    _, _, _, region, account, name = key_arn.split(":", 5)
    if name == DEFAULT_KEY:
        return _default_policy(region, account)
    key = kms_backends[account][region].keys.get(name.removeprefix("key/"))
    return None if key is None else dict(json.loads(key.policy))


def _default_policy(region: str, account: str) -> dict[str, Any]:
    """The policy of `aws/ssm`, without the statement on its metadata; as KMS shows it with the id `auto-ssm-1`."""
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": "*"},
                "Action": [
                    "kms:Encrypt",
                    "kms:Decrypt",
                    "kms:ReEncrypt*",
                    "kms:GenerateDataKey*",
                    "kms:DescribeKey",
                ],
                "Resource": "*",
                "Condition": {
                    "StringEquals": {
                        "kms:ViaService": f"ssm.{region}.amazonaws.com",
                        "kms:CallerAccount": account,
                    }
                },
            }
        ],
    }
