"""Events of Kafka clusters, of role checks and of connectors.

Shapes: docs.confluent.io/cloud/current/monitoring/audit-logging/event-methods, pages
authorization-authentication-events (kafka.Authentication, kafka.*, mds.Authorize) and kafka-management (requests);
docs.confluent.io/cloud/current/connectors/logging-cloud-connectors (io.confluent.logevents.connect.*).
"""

import random

from local.proofs.generator.organisation import (
    DOMAINS,
    ROLES,
    Json,
    Organisation,
    address,
    api_key,
    identifier,
    request_metadata,
    scope,
)

_CLIENTS = ("producer-1", "consumer-analytics-4", "adminclient-2", "rdkafka", "connector-consumer-sink-0")
_OPERATIONS = {
    "kafka.CreateTopics": ("Create", "Cluster"),
    "kafka.DeleteTopics": ("Delete", "Topic"),
    "kafka.AlterConfigs": ("AlterConfigs", "Topic"),
    "kafka.DescribeConfigs": ("DescribeConfigs", "Topic"),
    "kafka.JoinGroup": ("Read", "Group"),
    "kafka.InitProducerId": ("IdempotentWrite", "Cluster"),
}


def authentication(rng: random.Random, org: Organisation, *, success: bool) -> Json:
    """A login to a cluster; one that failed names no principal."""
    _, _, name = org.cluster(rng)
    key = api_key(rng)
    principal = org.principal(rng) if success else {}
    account = rng.choice(org.service_accounts) if success else ""
    data: Json = {
        "serviceName": name,
        "methodName": "kafka.Authentication",
        "resourceName": name,
        "authenticationInfo": {
            "exposure": "CUSTOMER",
            "principal": principal,
            "principalResourceId": account,
            "credentials": {"mechanism": "SASL_SSL/PLAIN", "idSecretCredentials": {"credentialId": key}},
            "metadata": {"mechanism": "SASL_SSL/PLAIN", "identifier": key},
            "identity": f"{org.crn}/service-account={account}" if success else "",
        },
        "request": {"correlationId": str(rng.randrange(-1, 1000)), "clientId": rng.choice(_CLIENTS)},
        "requestMetadata": {"connectionId": f"{rng.getrandbits(96):024x}", **request_metadata(rng)},
        "clientAddress": [{"ip": address(rng)}],
        "result": {"status": "SUCCESS", "message": ""},
    }
    if not success:
        data["authenticationInfo"]["errorMessage"] = "Bad password for user"
        data["result"] = {
            "status": "UNAUTHENTICATED",
            "message": f"Authentication failed: unknown API key {key}",
        }
    return {"type": "io.confluent.kafka.server/authentication", "source": name, "subject": name, "data": data}


def authorization(rng: random.Random, org: Organisation, *, granted: bool) -> Json:
    """A permission check. Its principal is text, of an account or (older) a number."""
    cluster, environment, name = org.cluster(rng)
    method, (operation, resource_type) = rng.choice(list(_OPERATIONS.items()))
    resource = {"Topic": rng.choice(org.topics), "Group": f"connect-{rng.choice(DOMAINS)}"}.get(
        resource_type, "kafka-cluster"
    )
    subject = f"{name}/{resource_type.lower()}={resource}"
    account = rng.choice(org.service_accounts)
    checked: Json = {
        "granted": granted,
        "operation": operation,
        "resourceType": resource_type,
        "resourceName": resource,
        "patternType": "LITERAL",
    }
    principal = f"User:{account}" if rng.random() < 0.8 else f"User:{rng.randrange(100_000, 1_000_000)}"
    authenticated: Json = {"principal": principal, "principalResourceId": account}
    if rng.random() < 0.3:  # where the organisation maps groups
        authenticated["identity"] = f"{org.crn}/service-account={account}"
        checked |= {"assignedPrincipals": [f"User:{account}"], "actingPrincipal": f"User:{account}"}
    if granted:
        checked |= _grounds(rng, org, cluster, environment)
    data = {
        "serviceName": name,
        "methodName": method,
        "resourceName": subject,
        "authenticationInfo": authenticated,
        "authorizationInfo": checked,
        "request": {"correlationId": str(rng.randrange(1_000_000)), "clientId": rng.choice(_CLIENTS)},
        "requestMetadata": request_metadata(rng),
        "clientAddress": [{"ip": address(rng)}],
    }
    return {
        "type": "io.confluent.kafka.server/authorization",
        "source": name,
        "subject": subject,
        "data": data,
    }


def _grounds(rng: random.Random, org: Organisation, cluster: str, environment: str) -> Json:
    """Why a permission was granted: a super user, an ACL or a role."""
    if rng.random() < 0.1:
        return {"superUserAuthorization": True}
    if rng.random() < 0.3:
        return {"aclAuthorization": {"permissionType": "ALLOW", "host": "*"}}
    outer = [f"organization={org.id}", f"environment={environment}", f"cloud-cluster={cluster}"]
    cloud = scope(("ORGANIZATION", org.id), ("ENVIRONMENT", environment), ("CLOUD_CLUSTER", cluster))
    role = {
        "role": rng.choice(ROLES),
        "scope": {"outerScope": outer, "clusters": {"kafka-cluster": cluster}},
        "cloudScope": cloud,
    }
    return {"rbacAuthorization": role}


def role_check(rng: random.Random, org: Organisation) -> Json:
    """mds.Authorize: whether a role allows something; it has no request."""
    environment = rng.choice(org.environments)
    user = rng.choice(org.users)
    subject = f"{org.crn}/environment={environment}"
    authenticated: Json = {"principal": f"User:{user}"}
    role: Json = {
        "role": rng.choice(("OrganizationAdmin", "EnvironmentAdmin")),
        "scope": {"outerScope": [f"organization={org.id}"], "clusters": {}},
    }
    checked: Json = {
        "granted": True,
        "operation": rng.choice(("CreateCloudCluster", "Describe", "CreateApiKey")),
        "resourceType": "Environment",
        "resourceName": "environment",
        "patternType": "LITERAL",
        "rbacAuthorization": role,
    }
    if rng.random() < 0.3:
        pool = f"User:{rng.choice(org.identity_pools)}"
        authenticated["identity"] = f"{org.crn}/sso-connection=example/identity=someone@example.com"
        role["actingPrincipal"] = pool
        checked["assignedPrincipals"] = [f"User:{user}", pool]
    return {
        "type": "io.confluent.kafka.server/authorization",
        "source": "crn://confluent.cloud/",
        "subject": subject,
        "data": {
            "serviceName": "crn://confluent.cloud/",
            "methodName": "mds.Authorize",
            "resourceName": subject,
            "authenticationInfo": authenticated,
            "authorizationInfo": checked,
            "requestMetadata": {},
        },
    }


def topic_request(rng: random.Random, org: Organisation, method: str) -> Json:
    """kafka.CreateTopics, kafka.DeleteTopics, kafka.IncrementalAlterConfigs."""
    cluster, environment, name = org.cluster(rng)
    topic = rng.choice(org.topics)
    where = scope(("ORGANIZATION", org.id), ("ENVIRONMENT", environment), ("CLOUD_CLUSTER", cluster))
    configs: list[Json] = [
        {"name": "retention.ms", "value": str(rng.choice((3_600_000, 604_800_000, 2_592_000_000)))},
        {"name": "cleanup.policy", "value": rng.choice(("delete", "compact", None))},
    ]
    body: Json = {"topics": [{"name": topic}]}
    if method == "kafka.CreateTopics":
        body["topics"][0] |= {
            "partitions": rng.choice((1, 6, 12, 60)),
            "replicationFactor": 3,
            "configs": configs,
        }
        body |= {"validateOnly": rng.random() < 0.2, "timeoutMs": 30000}
    elif method == "kafka.IncrementalAlterConfigs":
        body = {"resources": [{"resourceType": "TOPIC", "resourceName": topic, "configs": configs}]}
    data = {
        "serviceName": name,
        "methodName": method,
        "cloudResources": [{"scope": where, "resource": {"type": "TOPIC", "resourceId": topic}}],
        "resourceName": f"{name}/topic={topic}",
        "authenticationInfo": {"exposure": "CUSTOMER", "principal": org.principal(rng), "result": "SUCCESS"},
        "requestMetadata": request_metadata(rng),
        "request": {"accessType": "MODIFICATION", "data": body},
        "result": {"status": "SUCCESS", "data": {"topics": [{"name": topic, "errorCode": 0}]}},
    }
    return {
        "type": "io.confluent.kafka.server/request",
        "source": name,
        "subject": f"{name}/topic={topic}",
        "data": data,
    }


def refused_produce(rng: random.Random, org: Organisation) -> Json:
    """A producer that may not write to a topic."""
    _, _, name = org.cluster(rng)
    subject = f"{name}/topic={rng.choice(org.topics)}"
    error = {"errorType": "TOPIC_AUTHORIZATION_FAILED", "errorMessage": None}
    return {
        "type": "io.confluent.kafka.server/request",
        "source": name,
        "subject": subject,
        "data": {
            "serviceName": name,
            "methodName": "kafka.Produce",
            "resourceName": subject,
            "authenticationInfo": {"principal": org.principal(rng), "result": "SUCCESS"},
            "requestMetadata": request_metadata(rng),
            "request": {"accessType": "MODIFICATION", "data": {}},
            "result": {"status": "FAILURE", "data": error},
        },
    }


def failed_task(rng: random.Random, org: Organisation) -> Json:
    """An event log: a task of a managed connector failed. It has its own topic beside the audit log."""
    cluster, environment, _ = org.cluster(rng)
    connector = identifier(rng, "lcc")
    source = f"{org.crn}/environment={environment}/cloud-cluster={cluster}/connector={connector}"
    return {
        "type": "io.confluent.logevents.connect.TaskFailed",
        "source": source,
        "subject": f"{connector}-llc",
        "data": {
            "level": "ERROR",
            "context": {"connectorId": connector, "taskId": str(rng.randrange(4))},
            "summary": {
                "connectorErrorSummary": {
                    "message": "Failed to connect to the database",
                    "rootCause": "The connection attempt failed.",
                }
            },
        },
    }
