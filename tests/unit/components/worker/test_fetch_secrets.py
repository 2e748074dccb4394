import base64
import importlib.util
import json
import stat
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import boto3
import javaproperties
import pytest
from botocore.stub import Stubber

from local.systems.vm import imds
from tests.local.worker import late_role

FILE = Path(__file__).parents[4] / "components" / "worker" / "files" / "fetch_secrets.py"
KAFKA = {"key": "KAFKAKEY", "secret": 'se"cr\\et/+='}
WRITER = {"access_key_id": "AKIAMADEUP", "secret_access_key": "wJalr/made+up="}


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    spec = importlib.util.spec_from_file_location("fetch_secrets", FILE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "SETTINGS", tmp_path / "secrets.json")
    monkeypatch.setattr(module, "PAUSE_SECONDS", 0)
    monkeypatch.setattr(module, "INSTANCE_ID", tmp_path / "instance-id")
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    return module


@pytest.fixture
def ssm(monkeypatch: pytest.MonkeyPatch) -> Stubber:
    client = boto3.client("ssm", region_name="us-west-2", aws_access_key_id="x", aws_secret_access_key="x")
    monkeypatch.setattr(boto3.Session, "client", lambda *_args, **_kwargs: client)
    return Stubber(client)


def settings(tmp_path: Path, writer: str | None = "/w", endpoint: str | None = None) -> None:
    parameters = {"kafka": "/k"} | ({"writer": writer} if writer else {})
    known = {"region": "us-west-2", "endpoint": endpoint, "parameters": parameters}
    (tmp_path / "secrets.json").write_text(json.dumps(known))


def answers(ssm: Stubber, name: str, value: dict[str, str], version: int = 1) -> None:
    response: dict[str, Any] = {"Parameter": {"Value": json.dumps(value), "Version": version}}
    ssm.add_response("get_parameter", response, {"Name": name, "WithDecryption": True})


def test_both_credentials_are_written_so_that_java_reads_them_back(
    script: ModuleType, ssm: Stubber, tmp_path: Path
) -> None:
    settings(tmp_path)
    answers(ssm, "/k", KAFKA)
    answers(ssm, "/w", WRITER)

    with ssm:
        script.main()

    written = javaproperties.loads((tmp_path / "secrets.properties").read_text())
    assert written == {
        "kafka.sasl.jaas.config": "org.apache.kafka.common.security.plain.PlainLoginModule required "
        'username="KAFKAKEY" password="se\\"cr\\\\et/+=";',
        "aws.access.key.id": "AKIAMADEUP",
        "aws.secret.access.key": "wJalr/made+up=",
    }
    ssm.assert_no_pending_responses()


def test_the_versions_that_were_fetched_stand_beside_them_for_the_watchdog(
    script: ModuleType, ssm: Stubber, tmp_path: Path
) -> None:
    settings(tmp_path)
    answers(ssm, "/k", KAFKA, version=3)
    answers(ssm, "/w", WRITER, version=7)

    with ssm:
        script.main()

    assert json.loads((tmp_path / "versions.json").read_text()) == {"kafka": 3, "writer": 7}


@pytest.mark.parametrize(
    ("known", "expected"), [("i-0123456789abcdef0\n", "i-0123456789abcdef0"), ("", "unknown")]
)
def test_the_vm_is_named_for_kafkas_clients(
    script: ModuleType, ssm: Stubber, tmp_path: Path, known: str, expected: str
) -> None:
    settings(tmp_path, writer=None)
    answers(ssm, "/k", KAFKA)
    script.INSTANCE_ID.write_text(known)

    with ssm:
        script.main()

    assert javaproperties.loads((tmp_path / "instance.properties").read_text()) == {"instance.id": expected}


def test_a_vm_that_does_not_know_its_name_starts_all_the_same(
    script: ModuleType, ssm: Stubber, tmp_path: Path
) -> None:
    settings(tmp_path, writer=None)
    answers(ssm, "/k", KAFKA)

    with ssm:
        script.main()

    assert (tmp_path / "instance.properties").read_text() == "instance.id=unknown\n"
    assert (tmp_path / "secrets.properties").exists()


def test_a_vm_of_a_connect_cluster_gets_its_certificate_and_knows_its_address(
    script: ModuleType, ssm: Stubber, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = {"kafka": "/k", "fleet": "/f", "certificate": "/c"}
    known = {"region": "us-west-2", "endpoint": None, "parameters": named}
    (tmp_path / "secrets.json").write_text(json.dumps(known))
    answers(ssm, "/k", KAFKA)
    answers(ssm, "/f", {"key": "OWNKEY", "secret": "own"})
    archive = base64.b64encode(b"\x30\x82\x00").decode()
    answers(ssm, "/c", {"archive": archive, "password": "p/w", "not_after": "2036-01-02T03:04:05+00:00"})
    monkeypatch.setattr(script, "private_address", lambda: "10.42.0.4")

    with ssm:
        script.main()

    written = javaproperties.loads((tmp_path / "secrets.properties").read_text())
    assert written["fleet.sasl.jaas.config"].endswith('username="OWNKEY" password="own";')
    assert written["certificate.password"] == "p/w"
    assert (tmp_path / "certificate.p12").read_bytes() == b"\x30\x82\x00"
    assert stat.S_IMODE((tmp_path / "certificate.p12").stat().st_mode) == 0o400
    assert json.loads((tmp_path / "certificate.json").read_text()) == {
        "not_after": "2036-01-02T03:04:05+00:00"
    }
    assert javaproperties.loads((tmp_path / "instance.properties").read_text())["address"] == "10.42.0.4"


@pytest.fixture
def metadata(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The local stack's metadata service, which answers only with a token."""
    others = ("id", "image", "type", "zone", "region", "role")
    instance = {"address": "10.42.0.7", **dict.fromkeys(others, "")}
    server = imds.serve(imds.Metadata(instance, dict))
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    # A proxy of the machine must not be asked.
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    yield
    server.shutdown()
    server.server_close()


@pytest.mark.usefixtures("metadata")
def test_the_address_comes_from_the_metadata_service_past_every_proxy(script: ModuleType) -> None:
    assert script.private_address() == "10.42.0.7"


def test_only_the_service_can_read_the_file(script: ModuleType, ssm: Stubber, tmp_path: Path) -> None:
    settings(tmp_path, writer=None)
    answers(ssm, "/k", KAFKA)

    with ssm:
        script.main()

    assert stat.S_IMODE((tmp_path / "secrets.properties").stat().st_mode) == 0o400


def test_a_role_whose_rights_do_not_hold_yet_is_waited_for(
    script: ModuleType, ssm: Stubber, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings(tmp_path, writer=None)
    ssm.add_client_error("get_parameter", "AccessDeniedException", http_status_code=400)
    answers(ssm, "/k", KAFKA)

    with ssm:
        script.main()

    assert "parameter /k, attempt 1" in capsys.readouterr().err
    assert (tmp_path / "secrets.properties").exists()


@pytest.mark.parametrize("first", [404, 500])
def test_a_metadata_service_that_has_no_role_yet_is_asked_again(
    script: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    first: int,
) -> None:
    answer = json.dumps({"Parameter": {"Value": json.dumps(KAFKA), "Version": 3}})
    role = late_role.LateRole(first)

    with late_role.running(role, answer, "application/x-amz-json-1.1", monkeypatch) as endpoint:
        settings(tmp_path, writer=None, endpoint=endpoint)
        script.main()

    assert json.loads((tmp_path / "versions.json").read_text()) == {"kafka": 3}
    (line,) = [line for line in capsys.readouterr().err.splitlines() if "attempt" in line]
    assert line == "parameter /k, attempt 1 of 30: Unable to locate credentials"


def test_a_parameter_that_stays_out_of_reach_ends_the_start_and_is_named(
    script: ModuleType, ssm: Stubber, tmp_path: Path
) -> None:
    settings(tmp_path)
    for _ in range(script.ATTEMPTS):
        ssm.add_client_error("get_parameter", "ParameterNotFound", http_status_code=400)

    with ssm, pytest.raises(SystemExit, match="parameter /k cannot be read"):
        script.main()

    assert not (tmp_path / "secrets.properties").exists()


def test_no_value_is_ever_printed(
    script: ModuleType, ssm: Stubber, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings(tmp_path)
    ssm.add_client_error("get_parameter", "ThrottlingException", http_status_code=400)
    answers(ssm, "/k", KAFKA)
    answers(ssm, "/w", WRITER)

    with ssm:
        script.main()

    shown = "".join(capsys.readouterr())
    assert KAFKA["secret"] not in shown
    assert WRITER["secret_access_key"] not in shown
