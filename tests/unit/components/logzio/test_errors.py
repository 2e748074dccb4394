import httpx
import pytest

from components.logzio import errors, redaction
from components.logzio.errors import Kind, LogzioError


def error_of(method: str, status: int, **content: object) -> LogzioError:
    request = httpx.Request(method, "https://api.logz.io/v1/log-shipping/s3-buckets")
    response = httpx.Response(status, request=request, **content)  # type: ignore[arg-type]  # json= or text=
    return errors.from_response("call", response, retry_after=None)


@pytest.mark.parametrize(
    ("method", "status", "body", "kind"),
    [
        ("GET", 403, {"code": 403, "message": "Insufficient privileges"}, Kind.AUTHENTICATION),
        ("POST", 403, {"code": 403, "message": "Insufficient privileges"}, Kind.AUTHENTICATION),
        ("GET", 401, {"message": "Unauthorized"}, Kind.AUTHENTICATION),
        (
            "GET",
            403,
            {"message": "Account region us-east-1 differs from current server region eu-central-1"},
            Kind.ACCOUNT_REGION,
        ),
        ("POST", 400, {"message": "Invalid AWS credentials"}, Kind.AWS_CREDENTIALS),
        ("POST", 403, {"message": "Could not assume role arn:aws:iam::1:role/x"}, Kind.AWS_CREDENTIALS),
        (
            "PUT",
            400,
            {"message": "The security token included in the request is invalid: AWS"},
            Kind.AWS_CREDENTIALS,
        ),
        (
            "POST",
            400,
            {"message": "AWS failed to create S3 bucket. Exception AWS bucket is empty: 403."},
            Kind.EMPTY_PREFIX,
        ),
        (
            "PUT",
            400,
            {
                "message": "The bucket you are attempting to access must be addressed using the specified endpoint"
            },
            Kind.BUCKET_REGION,
        ),
        ("POST", 403, {"message": "AWS S3: AuthorizationHeaderMalformed"}, Kind.BUCKET_REGION),
        ("POST", 404, {"message": "AWS: NoSuchBucket"}, Kind.NO_BUCKET),
        ("POST", 400, {"message": "The specified bucket does not exist (Amazon S3)"}, Kind.NO_BUCKET),
        ("POST", 429, {"message": "NoSuchBucket"}, Kind.RATE_LIMIT),
        ("POST", 503, {"message": "NoSuchBucket"}, Kind.SERVER),
        ("GET", 404, {"message": "NoSuchBucket"}, Kind.NOT_FOUND),
        ("POST", 400, {"message": "region must be one of"}, Kind.INVALID),
        ("PUT", 404, {"message": "no S3 bucket with secret"}, Kind.NOT_FOUND),
        ("POST", 429, {"message": "credentials"}, Kind.RATE_LIMIT),
        ("GET", 500, {"message": "x"}, Kind.SERVER),
        ("GET", 302, {}, Kind.ANSWER),
    ],
)
def test_causes_are_told_apart(method: str, status: int, body: object, kind: Kind) -> None:
    assert error_of(method, status, json=body).kind is kind


def test_an_error_shows_call_status_code_message_request_and_a_hint() -> None:
    body = {
        "errorCode": "endpoints/UNKNOWN_ENDPOINT",
        "message": "gone",
        "requestId": "0d1e",
        "parameters": {},
    }

    assert str(error_of("GET", 404, json=body)) == (
        "Logz.io: call (HTTP 404): endpoints/UNKNOWN_ENDPOINT: gone [request 0d1e]. "
        f"Hint: {Kind.NOT_FOUND.value}."
    )


def test_a_plain_text_is_shown_as_it_is() -> None:
    assert "(HTTP 429): Too Many Requests. Hint:" in str(error_of("GET", 429, text="Too Many Requests"))


def test_an_empty_answer_is_shown_by_its_status() -> None:
    assert "(HTTP 502): Bad Gateway." in str(error_of("GET", 502, text=""))


def test_a_page_is_shortened_after_secrets_were_masked() -> None:
    secret = "marker-" + "x" * 40
    redaction.remember(secret)

    text = str(error_of("POST", 500, text="a" * 480 + secret))

    assert "marker" not in text
    assert len(text) < 800


def test_every_cause_has_a_hint() -> None:
    assert all(len(kind.value) > 20 for kind in Kind)
