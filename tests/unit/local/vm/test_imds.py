"""The metadata service of a VM, without a VM."""

import datetime
import json
from collections.abc import Mapping

import pytest
from werkzeug.test import Client

from local.systems.vm.imds import TOKEN_HEADER, TTL_HEADER, Metadata

INSTANCE = {
    "id": "i-0123456789abcdef0",
    "region": "us-west-2",
    "account": "123456789012",
    "type": "t3.small",
    "image": "ami-1",
    "address": "10.0.0.4",
    "zone": "us-west-2b",
    "role": "vm-role",
    "profile_arn": "arn:aws:iam::123456789012:instance-profile/vm",
}
ROLE_PATH = "/latest/meta-data/iam/security-credentials/"


class Credentials:
    """Hands out numbered credentials that are good for `hours`; `handed_out` counts them."""

    def __init__(self, hours: float) -> None:
        self.hours = hours
        self.handed_out = 0

    def __call__(self) -> Mapping[str, str]:
        self.handed_out += 1
        end = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=self.hours)
        return {"AccessKeyId": f"ASIA{self.handed_out}", "Expiration": end.strftime("%Y-%m-%dT%H:%M:%SZ")}


def client(hours: float = 6) -> tuple[Client, dict[str, str], Credentials]:
    """A client of a new metadata service, the header with its token, and the source of credentials."""
    credentials = Credentials(hours)
    service = Client(Metadata(INSTANCE, credentials))
    token = service.put("/latest/api/token", headers={TTL_HEADER: "60"}).text
    return service, {TOKEN_HEADER: token}, credentials


def test_without_a_token_nothing_is_told() -> None:
    service, _, _ = client()
    assert service.get("/latest/meta-data/instance-id").status_code == 401
    assert service.get("/latest/meta-data/instance-id", headers={TOKEN_HEADER: "guess"}).status_code == 401


@pytest.mark.parametrize("headers", [{}, {TTL_HEADER: "0"}, {TTL_HEADER: "21601"}, {TTL_HEADER: "soon"}])
def test_a_token_needs_a_time_to_live_of_at_most_six_hours(headers: dict[str, str]) -> None:
    service, _, _ = client()
    assert service.put("/latest/api/token", headers=headers).status_code == 400


def test_a_forwarded_request_gets_no_token() -> None:
    service, _, _ = client()
    headers = {TTL_HEADER: "60", "X-Forwarded-For": "10.0.0.1"}
    assert service.put("/latest/api/token", headers=headers).status_code == 403


def test_an_sdk_finds_region_and_identity() -> None:
    service, token, _ = client()
    assert service.get("/latest/meta-data/placement/region", headers=token).text == "us-west-2"
    assert service.get("/latest/meta-data/placement/availability-zone/", headers=token).text == "us-west-2b"
    document = json.loads(service.get("/latest/dynamic/instance-identity/document", headers=token).text)
    assert (document["instanceId"], document["region"]) == (INSTANCE["id"], "us-west-2")


def test_an_sdk_finds_the_role_and_then_its_credentials() -> None:
    service, token, _ = client()
    role = service.get(ROLE_PATH, headers=token).text
    assert role == "vm-role"
    assert json.loads(service.get(ROLE_PATH + role, headers=token).text)["AccessKeyId"] == "ASIA1"
    assert service.get(ROLE_PATH + "another-role", headers=token).status_code == 404


def test_credentials_are_kept_while_they_last_and_renewed_long_before_they_end() -> None:
    for hours, handed_out in ((6, 1), (1, 3)):
        service, token, credentials = client(hours)
        for _ in range(3):
            service.get(ROLE_PATH + "vm-role", headers=token)
        assert credentials.handed_out == handed_out


def test_an_instance_without_a_role_has_no_credentials() -> None:
    service = Client(Metadata({**INSTANCE, "role": None}, lambda: None))
    token = service.put("/latest/api/token", headers={TTL_HEADER: "60"}).text
    assert service.get(ROLE_PATH, headers={TOKEN_HEADER: token}).status_code == 404
