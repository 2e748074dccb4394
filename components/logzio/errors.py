"""What can go wrong with the account API, told apart by what a person has to do."""

import json
import re
from enum import Enum
from typing import Any

import httpx

from components.logzio import redaction

_LONGEST_MESSAGE = 500


class Kind(Enum):
    """The cause of an error; the value is the hint that goes with it."""

    AUTHENTICATION = (
        "the API token is not accepted: LOGZIO_API_TOKEN, else ccloud-logexporter:logzio.apiToken, must be an "
        "account API token of this account (app: Settings > Tools > Manage tokens > API tokens). After a "
        "rotation run `pulumi up` before refresh or destroy, or set the variable"
    )
    SENDING = (
        "the log shipping token is not accepted: LOGZIO_SHIPPING_TOKEN must be an enabled one of this account and "
        "region (app: Settings > Tools > Manage tokens > Data shipping tokens), or be left out to be read from the API"
    )
    ACCOUNT_REGION = (
        "the token is of an account in another region: set ccloud-logexporter:logzio.region to the one in the "
        "address of your app (app-eu.logz.io: eu)"
    )
    AWS_CREDENTIALS = (
        "the API token is fine, but AWS did not accept what Logz.io presented: check that the role trusts "
        "Logz.io's account with your external id, or that the key is active"
    )
    EMPTY_PREFIX = (
        "Logz.io registers no empty prefix. The program keeps an empty object (!logzio-init) under each one: "
        "`pulumi refresh` and `pulumi up` make it again where somebody deleted it. If it is there, check that "
        "aws:region is the bucket's, and run `pulumi up` again if the role or key is a few minutes old"
    )
    BUCKET_REGION = (
        "the bucket is in another region than the registration says: set aws:region to the bucket's"
    )
    NO_BUCKET = "S3 has no bucket of this name: if somebody deleted it, `pulumi refresh` and `pulumi up` make it again"
    INVALID = "Logz.io does not accept this request"
    NOT_FOUND = "there is no such thing under this address; if it is the first call, check logzio.apiUrl"
    CONFLICT = "two registrations for one prefix would deliver every event twice"
    RATE_LIMIT = "too many requests for this account; nothing is broken, run the command again later"
    SERVER = "Logz.io has a problem; run the command again later, it goes on where it stopped"
    NETWORK = "check the network, a proxy, and logzio.apiUrl; the command can be run again"
    ANSWER = "that is not the Logz.io API: check logzio.apiUrl and proxies on the way"
    NOT_VISIBLE = "the change was accepted; `pulumi refresh` shows later whether it took effect"
    OTHER_ACCOUNT = (
        "use the token (and region) of the account it was made in; or delete it there by hand and then run "
        "`pulumi state delete <urn>`"
    )


class LogzioError(Exception):
    """A call that failed for good. Its text is safe to show: secrets are masked.

    Attributes:
        kind: what to do about it.
        status: HTTP status; None if there was no answer.
        message: what Logz.io, or the network, said.
        request_id: Logz.io's own name of the request, for their support.
        effect_unknown: the request may have taken effect although there is no good answer.
        retry_after: seconds that Logz.io asked to wait.
    """

    def __init__(
        self,
        kind: Kind,
        call: str,
        message: str,
        *,
        status: int | None = None,
        request_id: str | None = None,
        hint: str | None = None,
        effect_unknown: bool = False,
        retry_after: float | None = None,
    ) -> None:
        self.kind = kind
        self.call = call
        self.status = status
        self.message = redaction.clean(message)
        self.request_id = request_id
        self.hint = hint or kind.value
        self.effect_unknown = effect_unknown
        self.retry_after = retry_after
        super().__init__(self._text())

    def _text(self) -> str:
        status = f" (HTTP {self.status})" if self.status is not None else ""
        request = f" [request {self.request_id}]" if self.request_id else ""
        return redaction.clean(f"Logz.io: {self.call}{status}: {self.message}{request}. Hint: {self.hint}.")


_OTHER_REGION = re.compile(r"region .* differs from current server region", re.IGNORECASE)
_BAD_TOKEN = re.compile(r"insufficient privileges", re.IGNORECASE)
# Logz.io documents no text for this case: the words that AWS's own refusals and descriptions of them hold.
_BAD_AWS_CREDENTIALS = re.compile(
    r"credential|access.?key|secret|assum|\brole\b|\barn\b|\baws\b|InvalidClientTokenId|SignatureDoesNotMatch"
    r"|AccessDenied",
    re.IGNORECASE,
)
# What S3 says of a bucket, passed on by Logz.io. The first text is documented ("Failed to save bucket configuration" in
# Logz.io's page on CloudTrail: "Exception AWS bucket is empty: 403"), the others are S3's own codes and messages ("Error
# responses" in S3's API reference). None of them passes by itself, as an unknown role does.
_BUCKET_FAULTS = (
    (re.compile(r"bucket is empty", re.IGNORECASE), Kind.EMPTY_PREFIX),
    (
        re.compile(
            r"PermanentRedirect|must be addressed using the specified endpoint|AuthorizationHeaderMalformed"
            r"|bucket is in this region",
            re.IGNORECASE,
        ),
        Kind.BUCKET_REGION,
    ),
    (re.compile(r"NoSuchBucket|specified bucket does not exist", re.IGNORECASE), Kind.NO_BUCKET),
)
_WRITES = ("POST", "PUT")
_STATUS_KINDS = {
    401: Kind.AUTHENTICATION,
    403: Kind.AUTHENTICATION,
    404: Kind.NOT_FOUND,
    429: Kind.RATE_LIMIT,
}


def from_response(call: str, response: httpx.Response, *, retry_after: float | None) -> LogzioError:
    """The error that an answer with another status than 2xx stands for."""
    status = response.status_code
    message, request_id = _read(response)
    return LogzioError(
        _kind(response.request.method, status, message),
        call,
        message,
        status=status,
        request_id=request_id,
        effect_unknown=status >= 500,
        retry_after=retry_after,
    )


def _kind(method: str, status: int, message: str) -> Kind:
    if not 400 <= status < 500:
        return Kind.SERVER if status >= 500 else Kind.ANSWER
    if _OTHER_REGION.search(message):
        return Kind.ACCOUNT_REGION
    if method in _WRITES and status != 429:
        fault = next((kind for text, kind in _BUCKET_FAULTS if text.search(message)), None)
        if fault is not None:
            return fault
        # Once the token is known to be good, what is refused to a write with such words is AWS's refusal.
        if status != 404 and _is_about_aws(message):
            return Kind.AWS_CREDENTIALS
    return _STATUS_KINDS.get(status, Kind.INVALID)


def _is_about_aws(message: str) -> bool:
    return _BAD_AWS_CREDENTIALS.search(message) is not None and not _BAD_TOKEN.search(message)


def _read(response: httpx.Response) -> tuple[str, str | None]:
    """Message and request id of an error body: {"errorCode"|"code", "message", "requestId"}, or plain text."""
    try:
        body: Any = json.loads(response.text)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return shortened(response.text) or response.reason_phrase, None
    code = body.get("errorCode") or body.get("code")
    message = body.get("message") or response.text
    request_id = body.get("requestId")
    prefix = f"{code}: " if isinstance(code, str) else ""
    return shortened(f"{prefix}{message}"), str(request_id) if request_id else None


def shortened(text: str) -> str:
    """One line of an answer's text that is safe to show."""
    # Masked first: half a secret would not be known again.
    text = " ".join(redaction.clean(text).split())
    return text if len(text) <= _LONGEST_MESSAGE else f"{text[:_LONGEST_MESSAGE]}..."
