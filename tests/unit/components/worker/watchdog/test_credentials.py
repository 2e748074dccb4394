from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError

from components.worker.files.watchdog import credentials
from tests.unit.components.worker.watchdog.support import ParameterStore


def test_the_versions_in_use_are_what_fetch_secrets_left(store: ParameterStore) -> None:
    credentials.VERSIONS.write_text('{"kafka": 3}')
    assert credentials.used_versions() == {"kafka": 3}
    credentials.VERSIONS.unlink()
    assert credentials.used_versions() == {}
    assert store.asked == []


def test_credentials_are_compared_by_the_version_of_their_parameters(store: ParameterStore) -> None:
    assert credentials.renewed_credentials({"kafka": 1, "writer": 1}) == []
    store.versions["/k"] = 2
    assert credentials.renewed_credentials({"kafka": 1, "writer": 1}) == ["kafka"]
    # A parameter that was made anew counts from 1 again.
    assert credentials.renewed_credentials({"kafka": 5, "writer": 1}) == ["kafka"]


def test_no_value_is_decrypted_to_compare_versions(store: ParameterStore) -> None:
    credentials.renewed_credentials({"kafka": 1, "writer": 1})

    assert store.asked == [{"Name": "/k"}, {"Name": "/w"}]


def test_a_service_that_is_down_has_no_former_credentials(store: ParameterStore) -> None:
    assert credentials.renewed_credentials({}) == []
    assert store.asked == []


def test_a_store_that_does_not_answer_is_told_and_no_reason_to_stop(
    store: ParameterStore, capsys: pytest.CaptureFixture[str]
) -> None:
    store.error = ClientError({"Error": {"Code": "ThrottlingException"}}, "GetParameter")

    assert credentials.renewed_credentials({"kafka": 1, "writer": 1}) == []
    assert "parameter store: " in capsys.readouterr().out


def test_the_age_is_that_of_the_credentials_that_were_written_first(
    store: ParameterStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credentials, "_written", [])
    assert credentials.credentials_age() == {}
    now = datetime.now(UTC)
    store.written_at = {"/k": now - timedelta(days=90), "/w": now - timedelta(days=3)}

    credentials.renewed_credentials({"kafka": 1, "writer": 1})

    assert credentials.credentials_age() == {"CredentialsAgeDays": 90}
