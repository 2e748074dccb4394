"""Events of the organisation: environments, keys, roles, networks, sign-ins, Schema Registry, Flink.

Shapes: docs.confluent.io/cloud/current/monitoring/audit-logging/event-methods, pages organization-events, rbac,
networking, sr-authn-authz, sr-management, flink (its services write snake_case) and access-transparency. Of
`request.data` and `result.data` Confluent's schema guarantees nothing.
"""

import random

from local.proofs.generator.organisation import (
    DISPLAY_NAMES,
    ROLES,
    Json,
    Organisation,
    address,
    api_key,
    email,
    identifier,
    request_metadata,
    scope,
)

_CLOUD = "crn://confluent.cloud/"


def _request(
    rng: random.Random,
    org: Organisation,
    method: str,
    subject: str,
    *,
    resources: list[Json],
    body: Json,
    answer: Json | None = None,
) -> Json:
    data = {
        "serviceName": _CLOUD,
        "methodName": method,
        "cloudResources": resources,
        "resourceName": subject,
        "authenticationInfo": {"exposure": "CUSTOMER", "principal": org.principal(rng), "result": "SUCCESS"},
        "requestMetadata": request_metadata(rng),
        "request": {"accessType": "MODIFICATION", "data": body},
        "result": {"status": "SUCCESS", "data": body if answer is None else answer},
    }
    return {
        "type": "io.confluent.cloud/request",
        "source": _CLOUD,
        "dataschema": "https://confluent.io/internal/events/AuditLog.v2",
        "subject": subject,
        "data": data,
    }


def api_key_request(rng: random.Random, org: Organisation, method: str) -> Json:
    """CreateAPIKey, DeleteAPIKey."""
    cluster, environment, _ = org.cluster(rng)
    owner = rng.choice(org.service_accounts)
    key = api_key(rng)
    resource = {"type": "API_KEY", "resourceId": key}
    organisation = ("ORGANIZATION", org.id)
    on_cluster = scope(
        organisation, ("ENVIRONMENT", environment), ("CLOUD_CLUSTER", cluster), ("KAFKA_CLUSTER", cluster)
    )
    resources = [
        {"scope": scope(organisation, ("SERVICE_ACCOUNT", owner)), "resource": resource},
        {"scope": on_cluster, "resource": resource},
    ]
    body: Json = {"id": key, "api_version": "iam/v2", "kind": "ApiKey"}
    if method == "CreateAPIKey":
        body["spec"] = {
            "display_name": f"key of {rng.choice(DISPLAY_NAMES)}",
            "description": "",
            "owner": {"id": owner, "kind": "ServiceAccount"},
            "resource": {"id": cluster, "environment": environment, "kind": "Cluster"},
        }
    return _request(rng, org, method, f"{org.crn}/api-key={key}", resources=resources, body=body)


def environment_request(rng: random.Random, org: Organisation, method: str) -> Json:
    """CreateEnvironment, UpdateEnvironment."""
    environment = rng.choice(org.environments) if method == "UpdateEnvironment" else identifier(rng, "env")
    where = scope(("ORGANIZATION", org.id))
    resources = [{"scope": where, "resource": {"type": "ENVIRONMENT", "resourceId": environment}}]
    body = {
        "id": environment,
        "api_version": "org/v2",
        "kind": "Environment",
        "display_name": f"{rng.choice(DISPLAY_NAMES)}-{rng.choice(('dev', 'staging', 'production'))}",
        "stream_governance_config": {"package": rng.choice(("ESSENTIALS", "ADVANCED"))},
        "metadata": {
            "self": f"https://api.confluent.cloud/org/v2/environments/{environment}",
            "deleted_at": None,
        },
    }
    return _request(rng, org, method, f"{org.crn}/environment={environment}", resources=resources, body=body)


def role_binding_request(rng: random.Random, org: Organisation, method: str) -> Json:
    """CreateRoleBinding, DeleteRoleBindingById."""
    cluster, environment, name = org.cluster(rng)
    binding = identifier(rng, "rb")
    where = scope(("ORGANIZATION", org.id), ("ENVIRONMENT", environment), ("CLOUD_CLUSTER", cluster))
    resources = [{"scope": where, "resource": {"type": "ROLE_BINDING", "resourceId": binding}}]
    body = {
        "id": binding,
        "principal": f"User:{rng.choice(org.service_accounts)}",
        "role_name": rng.choice(ROLES),
        "crn_pattern": f"{name}/topic={rng.choice(org.topics)}*",
    }
    return _request(rng, org, method, f"{name}/role-binding={binding}", resources=resources, body=body)


def network_request(rng: random.Random, org: Organisation) -> Json:
    """CreateNetwork: its `status` is text beside `data`, and an object in it; its `environment` an object here."""
    environment = rng.choice(org.environments)
    network = identifier(rng, "n")
    where = scope(("ORGANIZATION", org.id), ("ENVIRONMENT", environment))
    spec: Json = {
        "display_name": rng.choice(DISPLAY_NAMES),
        "cloud": "AWS",
        "region": "us-west-2",
        "connection_types": ["PRIVATELINK"],
        "zones": [],
        "environment": {"id": environment},
        "resource": None,
    }
    zones = {f"usw2-az{zone}": f"az{zone}.{network}.example.com" for zone in (1, 2, 3)}
    ready = rng.random() < 0.5
    answer = {
        "id": network,
        "spec": spec,
        "status": {
            "phase": "READY" if ready else "PROVISIONING",
            "supported_connection_types": ["PRIVATE_LINK"],
            "zonal_subdomains": zones if ready else {},
            "cloud": {"kind": "networking.v1.AwsNetwork", "vpc": "", "private_link_endpoint_service": ""},
        },
    }
    return _request(
        rng,
        org,
        "CreateNetwork",
        f"{org.crn}/environment={environment}/network={network}",
        resources=[{"scope": where, "resource": {"type": "NETWORK", "resourceId": network}}],
        body={"spec": spec},
        answer=answer,
    )


def sign_in(rng: random.Random, org: Organisation) -> Json:
    """Somebody's login to the console; one in five fails."""
    fails = rng.random() < 0.2
    principal: Json = {"email": email(rng)}
    if not fails:
        principal["confluentUser"] = {"resourceId": rng.choice(org.users)}
    errors = [{"status": "401", "detail": "invalid credentials"}]
    return {
        "type": "io.confluent.cloud/request",
        "source": _CLOUD,
        "subject": org.crn,
        "data": {
            "serviceName": _CLOUD,
            "methodName": "SignIn",
            "cloudResources": [{"resource": {"type": "ORGANIZATION", "resourceId": org.id}}],
            "authenticationInfo": {"principal": principal, "result": "FAILURE" if fails else "SUCCESS"},
            "requestMetadata": request_metadata(rng),
            "request": {"accessType": "READ_ONLY"},
            "result": {"status": "FAILURE", "data": {"errors": errors}} if fails else {"status": "SUCCESS"},
        },
    }


def schema_registry_authentication(rng: random.Random, org: Organisation) -> Json:
    """A login to Schema Registry, with the credential's own object."""
    environment = rng.choice(org.environments)
    registry = identifier(rng, "lsrc")
    where = scope(("ORGANIZATION", org.id), ("ENVIRONMENT", environment))
    return {
        "type": "io.confluent.sg.server/authentication",
        "source": _CLOUD,
        "subject": f"{org.crn}/environment={environment}/schema-registry={registry}",
        "data": {
            "serviceName": _CLOUD,
            "methodName": "schema-registry.Authentication",
            "cloudResources": [
                {"scope": where, "resource": {"type": "SCHEMA_REGISTRY", "resourceId": registry}}
            ],
            "authenticationInfo": {
                "principal": org.principal(rng),
                "result": "SUCCESS",
                "credentials": {
                    "idSecretCredentials": {"credentialId": api_key(rng)},
                    "mechanism": "HTTP_BASIC",
                },
            },
            "requestMetadata": request_metadata(rng),
        },
    }


def schema_registry_request(rng: random.Random, org: Organisation) -> Json:
    """schema-registry.RegisterSchema."""
    environment = rng.choice(org.environments)
    registry = identifier(rng, "lsrc")
    subject = f"{rng.choice(org.topics)}-value"
    where = scope(
        ("ORGANIZATION", org.id), ("ENVIRONMENT", environment), ("SCHEMA_REGISTRY_CLUSTER", registry)
    )
    schema = {"subject": subject, "schema_type": "AVRO", "version": rng.randrange(1, 40), "references": []}
    return {
        "type": "io.confluent.sg.server/request",
        "source": _CLOUD,
        "subject": f"{org.crn}/environment={environment}/schema-registry={registry}/subject={subject}",
        "data": {
            "serviceName": _CLOUD,
            "methodName": "schema-registry.RegisterSchema",
            "cloudResources": [{"scope": where, "resource": {"type": "SUBJECT", "resourceId": subject}}],
            "authenticationInfo": {"principal": org.principal(rng), "result": "SUCCESS"},
            "requestMetadata": request_metadata(rng),
            "request": {"accessType": "MODIFICATION", "data": schema},
            "result": {"status": "SUCCESS"},
        },
    }


def flink_request(rng: random.Random, org: Organisation) -> Json:
    """ListFlinkRegions and the like: every name in snake_case."""
    service = f"{_CLOUD}service=cc-ksql-api-service"
    return {
        "type": "io.confluent.cloud/request",
        "source": _CLOUD,
        "dataschema": "https://confluent.io/internal/events/AuditLog.v2",
        "subject": org.crn,
        "data": {
            "service_name": service,
            "internal_service_name": service,
            "method_name": rng.choice(("ListFlinkRegions", "ListComputePools")),
            "cloud_resources": [{"resource": {"type": "ORGANIZATION", "resource_id": org.id}}],
            "authentication_info": {
                "exposure": "CUSTOMER",
                "principal": {"confluent_user": {"resource_id": rng.choice(org.users)}},
                "result": "SUCCESS",
            },
            "request_metadata": {
                "request_id": [f"{rng.getrandbits(128):032x}"],
                "client_address": [{"ip": address(rng)}],
            },
            "request": {"access_type": "READ_ONLY"},
            "result": {"status": "SUCCESS"},
        },
    }


def personnel_access(rng: random.Random, org: Organisation) -> Json:
    """Access transparency: Confluent's own personnel looked at a cluster."""
    cluster, environment, _ = org.cluster(rng)
    where = scope(("ORGANIZATION", org.id), ("ENVIRONMENT", environment))
    return {
        "type": "io.confluent.cloud/access-transparency",
        "source": _CLOUD,
        "subject": f"{org.crn}/environment={environment}/cloud-cluster={cluster}",
        "data": {
            "serviceName": _CLOUD,
            "methodName": "confluent.privileged.access",
            "cloudResources": [
                {"scope": where, "resource": {"type": "KAFKA_CLUSTER", "resourceId": cluster}}
            ],
            "authenticationInfo": {
                "principal": {"confluentUser": {"resourceId": "confluent.privileged"}},
                "result": "SUCCESS",
            },
            "requestMetadata": {"requestId": [str(rng.getrandbits(180))]},
            "request": {"data": {"employee_base_location": "IN", "employee_job_family": "L1 Engineer"}},
            "result": {"status": "SUCCESS"},
        },
    }
