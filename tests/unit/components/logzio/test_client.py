from dataclasses import replace

import httpx
import pytest

from components.logzio.client import LOST_SECONDS, POSTS, PROPAGATION_SECONDS, SHOWS_SECONDS
from components.logzio.errors import Kind, LogzioError
from components.logzio.model import Registered
from tests.unit.components.logzio.scripted import (
    ACCOUNT,
    BUCKETS,
    ROLE,
    WANTED,
    Answer,
    Script,
    ok,
    refusal,
    shown,
    status,
)

LIST, POST, WHO = f"GET {BUCKETS}", f"POST {BUCKETS}", "GET /v2/whoami"
GET_7, PUT_7, DELETE_7 = f"GET {BUCKETS}/7", f"PUT {BUCKETS}/7", f"DELETE {BUCKETS}/7"
GONE = refusal(404, "gone")
PREFLIGHT: list[tuple[str, Answer]] = [(WHO, ok(ACCOUNT)), (LIST, ok([]))]
AWS_REFUSES = refusal(400, "Invalid AWS credentials")


def registered(id_: int) -> Registered:
    return Registered.parse(shown(id_))


def test_a_registration_is_posted_once_and_seen_before_it_counts_as_made() -> None:
    script = Script(
        *PREFLIGHT, (POST, ok(shown(7), 201)), (LIST, ok([])), (GET_7, GONE), (GET_7, ok(shown(7)))
    )

    made = script.client().create(WANTED, adopt=False)

    assert made == registered(7)
    assert made.is_new
    script.assert_played()


def test_a_request_holds_every_field_and_only_the_authentication_in_use() -> None:
    assert WANTED.request() == {
        "bucket": "archive",
        "prefix": "topics/audit/partition=0/",
        "region": "US_WEST_2",
        "logsType": "confluent_audit",
        "active": True,
        "addS3ObjectKeyAsLogField": False,
        "arn": ROLE,
    }
    with_key = replace(WANTED, role_arn=None, access_key="AK", secret_key="SK").request()
    assert (with_key["accessKey"], with_key["secretKey"], "arn" in with_key) == ("AK", "SK", False)


INDEXED = {"id": "x", "type": "confluent_audit"}


@pytest.mark.parametrize(
    ("events", "found"),
    [
        ([], False),
        ([INDEXED], True),
        ([{**INDEXED, "tags": ["audited"]}], True),
        ([{**INDEXED, "type": "logzio-index-failure"}], False),
        ([{**INDEXED, "type": "logzio-invalid-log"}], False),
        # The newest edition of Logz.io's page: `type` stays.
        ([{**INDEXED, "tags": ["Can't get text on a START_OBJECT"]}], False),
        ([{**INDEXED, "tags": "MAX_JSON_DEPTH"}], False),
        ([{**INDEXED, "type": "logzio-index-failure"}, INDEXED], True),
    ],
)
def test_an_indexed_event_is_looked_for_by_the_value_of_a_field(events: list[object], found: bool) -> None:
    hits = [{"_source": event} for event in events]
    script = Script(("POST /v1/search", ok({"hits": {"total": len(hits), "hits": hits}})))

    assert script.client().has_event("id", 'with"quote') is found

    query = script.bodies[0]["query"]["query_string"]
    assert query == {"query": 'id:"with\\"quote"', "allow_leading_wildcard": False}


def test_a_bad_token_is_found_before_anything_is_tried() -> None:
    script = Script((WHO, httpx.Response(403, json={"code": 403, "message": "Insufficient privileges"})))

    with pytest.raises(LogzioError) as caught:
        script.client().create(WANTED, adopt=False)
    assert caught.value.kind is Kind.AUTHENTICATION


def test_a_wrong_account_region_is_named_as_such() -> None:
    text = "Account region us-east-1 differs from current server region eu-central-1"
    script = Script((WHO, refusal(403, text)))

    with pytest.raises(LogzioError, match=r"logzio\.region"):
        script.client().create(WANTED, adopt=False)


def test_refused_aws_credentials_are_named_as_such_after_two_minutes() -> None:
    script = Script(*PREFLIGHT, *([(POST, AWS_REFUSES)] * 40))

    with pytest.raises(LogzioError, match="AWS did not accept") as caught:
        script.client().create(WANTED, adopt=False)
    assert caught.value.kind is Kind.AWS_CREDENTIALS
    assert PROPAGATION_SECONDS - 20 < sum(script.slept) <= PROPAGATION_SECONDS == 120


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("AWS failed to create S3 bucket. Exception AWS bucket is empty: 403.", Kind.EMPTY_PREFIX),
        ("AWS: PermanentRedirect", Kind.BUCKET_REGION),
        ("AWS: NoSuchBucket", Kind.NO_BUCKET),
    ],
)
def test_what_is_wrong_with_the_bucket_is_final_at_once_and_no_fault_of_the_credentials(
    message: str, kind: Kind
) -> None:
    script = Script(*PREFLIGHT, (POST, refusal(400, message)))

    with pytest.raises(LogzioError) as caught:
        script.client().create(WANTED, adopt=False)
    assert caught.value.kind is kind
    assert kind.value in str(caught.value)
    assert script.slept == []


def test_a_role_that_aws_does_not_know_yet_is_waited_for() -> None:
    script = Script(
        *PREFLIGHT,
        *([(POST, AWS_REFUSES)] * 3),
        (POST, ok(shown(7), 201)),
        (LIST, ok([shown(7)])),
        (GET_7, ok(shown(7))),
    )

    assert script.client().create(WANTED, adopt=False).id == 7
    assert len(script.slept) == 3


def test_a_new_role_is_waited_for_in_an_update_too() -> None:
    script = Script((PUT_7, AWS_REFUSES), (PUT_7, ok(None)), (GET_7, ok(shown(7))))

    assert script.client().update(7, WANTED).id == 7


def test_another_refusal_is_final_at_once() -> None:
    script = Script(*PREFLIGHT, (POST, refusal(400, "logsType is too long")))

    with pytest.raises(LogzioError, match="logsType is too long"):
        script.client().create(WANTED, adopt=False)
    assert script.slept == []


def test_somebody_elses_registration_of_the_same_place_is_refused_with_its_id() -> None:
    script = Script((WHO, ok(ACCOUNT)), (LIST, ok([shown(7, arn="arn:aws:iam::1:role/other")])))

    with pytest.raises(LogzioError, match=r"there is already: 7\..*adoptExisting"):
        script.client().create(WANTED, adopt=False)
    script.assert_played()


def test_somebody_elses_registration_is_taken_over_when_asked() -> None:
    script = Script(
        (WHO, ok(ACCOUNT)),
        (LIST, ok([shown(7, arn="arn:aws:iam::1:role/other")])),
        (PUT_7, ok(None)),
        (GET_7, ok(shown(7))),
    )

    taken_over = script.client().create(WANTED, adopt=True)

    assert taken_over == registered(7)
    assert not taken_over.is_new
    assert script.bodies[2] == WANTED.request()


def test_several_registrations_of_the_same_place_are_refused_even_to_be_taken_over() -> None:
    script = Script((WHO, ok(ACCOUNT)), (LIST, ok([shown(7, arn="x"), shown(9, logsType="y")])))

    with pytest.raises(LogzioError, match="there are already: 7, 9"):
        script.client().create(WANTED, adopt=True)


@pytest.mark.parametrize("elsewhere", [{"prefix": "topics/audit/partition=01/"}, {"bucket": "other"}])
def test_a_registration_of_another_place_is_left_alone(elsewhere: dict[str, str]) -> None:
    other = shown(3, **elsewhere)
    script = Script(
        (WHO, ok(ACCOUNT)),
        (LIST, ok([other])),
        (POST, ok(shown(7), 201)),
        (LIST, ok([other, shown(7)])),
        (GET_7, ok(shown(7))),
    )

    assert script.client().create(WANTED, adopt=False).id == 7
    script.assert_played()


def test_what_an_interrupted_command_of_this_stack_made_is_taken_over_unasked() -> None:
    script = Script((WHO, ok(ACCOUNT)), (LIST, ok([shown(7)])))

    assert script.client().create(WANTED, adopt=False) == registered(7)
    script.assert_played()


def test_what_an_interrupted_command_made_twice_is_made_one() -> None:
    script = Script((WHO, ok(ACCOUNT)), (LIST, ok([shown(8), shown(7)])), (f"DELETE {BUCKETS}/8", ok(None)))

    assert script.client().create(WANTED, adopt=False).id == 7
    script.assert_played()


LOST = [
    httpx.ReadTimeout("t"),
    httpx.RemoteProtocolError("cut"),
    status(500),
    status(502),
    status(503),
    status(504),
    httpx.Response(201, text="<html>"),
    ok({"unexpected": 1}, 201),
]


@pytest.mark.parametrize("lost", LOST, ids=repr)
def test_after_a_lost_answer_the_registration_is_looked_for_before_it_is_posted_again(lost: Answer) -> None:
    script = Script(
        *PREFLIGHT,
        (POST, lost),
        (LIST, ok([])),
        (LIST, ok([shown(7)])),
        (LIST, ok([shown(7)])),
        (GET_7, ok(shown(7))),
    )

    assert script.client().create(WANTED, adopt=False).id == 7
    assert script.calls.count(POST) == 1
    script.assert_played()


def test_a_registration_that_a_lost_post_did_not_make_is_posted_again() -> None:
    script = Script(
        *PREFLIGHT,
        (POST, status(502)),
        *([(LIST, ok([]))] * 6),
        (POST, ok(shown(7), 201)),
        (LIST, ok([shown(7)])),
        (GET_7, ok(shown(7))),
    )

    assert script.client().create(WANTED, adopt=False).id == 7
    assert sum(script.slept) == LOST_SECONDS


def test_a_lost_registration_that_shows_after_the_second_post_is_deleted() -> None:
    script = Script(
        *PREFLIGHT,
        (POST, status(502)),
        *([(LIST, ok([]))] * 6),
        (POST, ok(shown(8), 201)),
        (LIST, ok([shown(7), shown(8)])),
        (DELETE_7, ok(None)),
        (f"GET {BUCKETS}/8", ok(shown(8))),
    )

    assert script.client().create(WANTED, adopt=False).id == 8
    script.assert_played()


def test_one_that_was_there_before_is_not_taken_for_the_lost_one() -> None:
    before = shown(3, prefix="topics/audit/partition=1/")
    script = Script(
        (WHO, ok(ACCOUNT)),
        (LIST, ok([before])),
        (POST, status(500)),
        *([(LIST, ok([before]))] * 6),
        (POST, ok(shown(7), 201)),
        (LIST, ok([before, shown(7)])),
        (GET_7, ok(shown(7))),
    )

    assert script.client().create(WANTED, adopt=False).id == 7


def test_answers_that_are_always_lost_end_in_the_error_of_the_last() -> None:
    one_round: list[tuple[str, Answer]] = [(POST, status(503)), *([(LIST, ok([]))] * 6)]
    script = Script(*PREFLIGHT, *(one_round * POSTS))

    with pytest.raises(LogzioError, match="HTTP 503"):
        script.client().create(WANTED, adopt=False)
    script.assert_played()


def test_an_error_while_a_lost_registration_is_looked_for_says_that_it_may_be_there() -> None:
    script = Script(
        *PREFLIGHT,
        (POST, status(502)),
        (LIST, httpx.Response(403, json={"code": 403, "message": "Insufficient privileges"})),
    )

    with pytest.raises(LogzioError, match="may have been made: the next `pulumi up` takes it over") as caught:
        script.client().create(WANTED, adopt=False)
    assert caught.value.kind is Kind.AUTHENTICATION
    assert "HTTP 403" in str(caught.value)


def test_an_error_after_a_good_post_does_not_lose_the_registration() -> None:
    expired = httpx.Response(403, json={"code": 403, "message": "Insufficient privileges"})
    script = Script(*PREFLIGHT, (POST, ok(shown(7), 201)), (LIST, expired), (GET_7, expired))

    assert script.client().create(WANTED, adopt=False).id == 7


def test_an_update_sends_everything_and_waits_until_it_shows() -> None:
    wanted = replace(WANTED, log_type="other")
    script = Script(
        (PUT_7, httpx.Response(200, text="")), (GET_7, ok(shown(7))), (GET_7, ok(shown(7, logsType="other")))
    )

    assert script.client().update(7, wanted).log_type == "other"
    assert script.bodies[0] == wanted.request()


def test_an_update_that_never_shows_is_an_error_after_half_a_minute() -> None:
    script = Script((PUT_7, ok(None)), *([(GET_7, ok(shown(7)))] * 40))

    with pytest.raises(LogzioError) as caught:
        script.client().update(7, replace(WANTED, log_type="other"))
    assert caught.value.kind is Kind.NOT_VISIBLE
    assert sum(script.slept) == SHOWS_SECONDS


def test_an_update_of_a_deleted_registration_says_what_to_do() -> None:
    script = Script((PUT_7, GONE))

    with pytest.raises(LogzioError, match="pulumi refresh"):
        script.client().update(7, WANTED)


def test_a_deletion_is_over_when_reading_finds_nothing_any_more() -> None:
    script = Script((DELETE_7, httpx.Response(204)), (GET_7, ok(shown(7))), (GET_7, GONE))

    script.client().delete(7, "1")
    script.assert_played()


def test_a_registration_that_is_gone_already_is_deleted() -> None:
    script = Script((DELETE_7, GONE), (WHO, ok(ACCOUNT)))

    script.client().delete(7, "1")
    script.assert_played()


def test_a_registration_of_another_account_does_not_count_as_deleted() -> None:
    script = Script((DELETE_7, GONE), (WHO, ok({**ACCOUNT, "accountId": 2})))

    with pytest.raises(LogzioError, match="made in account 1, the token is of account 2"):
        script.client().delete(7, "1")


def test_a_deletion_whose_answer_is_lost_is_tried_again_and_found_done() -> None:
    script = Script((DELETE_7, httpx.ReadError("cut")), (DELETE_7, GONE), (WHO, ok(ACCOUNT)))

    script.client().delete(7, "1")


def test_what_is_gone_is_read_as_nothing_at_once() -> None:
    script = Script((GET_7, GONE), (WHO, ok(ACCOUNT)))

    assert script.client().read(7, "1") is None
    assert script.slept == []


def test_a_registration_of_another_account_does_not_count_as_gone() -> None:
    script = Script((GET_7, GONE), (WHO, ok({**ACCOUNT, "accountId": 2})))

    with pytest.raises(LogzioError, match="made in account 1, the token is of account 2"):
        script.client().read(7, "1")


def test_a_secret_key_is_dropped_if_it_is_ever_shown() -> None:
    script = Script((GET_7, ok(shown(7, secretKey="marker-secret", accessKey="AK", arn=None))))

    assert "marker-secret" not in repr(script.client().get(7))


def test_a_secret_key_is_not_part_of_what_a_registration_prints() -> None:
    assert "marker-secret" not in repr(replace(WANTED, secret_key="marker-secret"))


def test_fields_that_are_null_or_unknown_or_missing_are_no_problem() -> None:
    raw = {**shown(7, prefix=None, active=None, introduced_later=[1])}
    del raw["addS3ObjectKeyAsLogField"]
    script = Script((GET_7, ok(raw)))

    found = script.client().get(7)

    assert found == Registered(7, "archive", "US_WEST_2", "confluent_audit", role_arn=ROLE)


@pytest.mark.parametrize("missing", ["logsType", "region", "bucket"])
def test_a_foreign_registration_without_a_field_does_not_stop_a_new_one(missing: str) -> None:
    foreign = {**shown(3, bucket="another"), missing: None}
    script = Script(
        (WHO, ok(ACCOUNT)),
        (LIST, ok([foreign])),
        (POST, ok(shown(7), 201)),
        (LIST, ok([foreign, shown(7)])),
        (GET_7, ok(shown(7))),
    )

    assert script.client().create(WANTED, adopt=False).id == 7
    script.assert_played()


def test_an_incomplete_registration_of_the_same_place_is_a_conflict_or_taken_over() -> None:
    incomplete = {name: value for name, value in shown(7).items() if name not in ("logsType", "region")}
    script = Script((WHO, ok(ACCOUNT)), (LIST, ok([incomplete])))
    adopting = Script((WHO, ok(ACCOUNT)), (LIST, ok([incomplete])), (PUT_7, ok(None)), (GET_7, ok(shown(7))))

    with pytest.raises(LogzioError, match="there is already: 7"):
        script.client().create(WANTED, adopt=False)
    assert adopting.client().create(WANTED, adopt=True) == registered(7)


def test_a_new_registration_of_the_same_place_that_lacks_a_field_is_not_posted_again() -> None:
    incomplete = {**shown(7), "logsType": None}
    script = Script(*PREFLIGHT, (POST, httpx.ReadError("cut")), (LIST, ok([incomplete])))

    with pytest.raises(LogzioError, match="lacks its region or log type"):
        script.client().create(WANTED, adopt=False)
    script.assert_played()


@pytest.mark.parametrize("missing", ["logsType", "region", "bucket", "id"])
def test_a_registration_of_this_stack_is_read_strictly(missing: str) -> None:
    script = Script((GET_7, ok({**shown(7), missing: None})))

    with pytest.raises(LogzioError, match="lacks what it must hold"):
        script.client().get(7)


def test_an_answer_without_what_it_must_hold_is_named_as_such() -> None:
    script = Script((LIST, ok([{"bucket": "archive"}])))

    with pytest.raises(LogzioError, match="lacks what it must hold"):
        script.client().registrations()


def test_the_account_is_asked_for_once() -> None:
    script = Script((WHO, ok(ACCOUNT)))
    client = script.client()

    assert (client.account_id(), client.account_id()) == ("1", "1")


def test_whom_a_role_must_trust_is_read() -> None:
    details = {"logzioAWSAccountId": "406095609952", "assignedExternalId": "logzio:aws:extid:1"}
    script = Script((f"GET {BUCKETS}/aws-assume-role-details", ok(details)))

    found = script.client().role_details()

    assert (found.aws_account_id, found.external_id) == ("406095609952", "logzio:aws:extid:1")
