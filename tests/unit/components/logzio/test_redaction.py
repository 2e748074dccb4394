import io
import json
import logging
from collections.abc import Callable, Iterator
from urllib.parse import quote

import pytest

from components.logzio import redaction

SECRET = 'marker+secret/key"with=signs'


@pytest.fixture(autouse=True)
def _own_record_factory() -> Iterator[None]:
    before = logging.getLogRecordFactory()
    yield
    logging.setLogRecordFactory(before)


@pytest.mark.parametrize(
    "form", [SECRET, quote(SECRET, safe=""), json.dumps(SECRET)], ids=["plain", "url", "json"]
)
def test_a_secret_is_masked_in_every_form_that_it_travels_in(form: str) -> None:
    redaction.remember(SECRET)

    assert "marker" not in redaction.clean(f"before {form} after")
    assert redaction.clean(f"before {form} after").endswith(" after")


def test_a_key_id_of_aws_is_masked_without_being_remembered() -> None:
    assert redaction.clean("key AKIAIOSFODNN7EXAMPLE refused") == "key [redacted] refused"


def test_a_secret_that_holds_another_is_masked_as_a_whole() -> None:
    redaction.remember("marker-inner", "marker-inner-outer")

    assert redaction.clean("marker-inner-outer") == "[redacted]"


def test_nothing_is_masked_for_a_secret_that_is_not_set() -> None:
    redaction.remember(None, "")

    assert redaction.clean("some text") == "some text"


def logged(write: Callable[[logging.Logger], None]) -> str:
    stream = io.StringIO()
    logger = logging.Logger("made.for.this.test")
    logger.addHandler(logging.StreamHandler(stream))
    write(logger)
    return stream.getvalue()


def test_every_log_record_is_cleaned_whatever_logger_writes_it() -> None:
    redaction.remember("marker-logged")
    redaction.install()

    text = logged(lambda logger: logger.error("token %s and %r", "marker-logged", {"k": "marker-logged"}))

    assert text == "token [redacted] and {'k': '[redacted]'}\n"


def chained() -> None:
    try:
        int("marker-raised")
    except ValueError as cause:
        raise RuntimeError("because of marker-raised") from cause


def test_a_logged_traceback_is_cleaned_with_what_it_is_chained_to() -> None:
    redaction.remember("marker-raised")
    redaction.install()

    def write(logger: logging.Logger) -> None:
        try:
            chained()
        except RuntimeError:
            logger.exception("failed")

    text = logged(write)

    assert "RuntimeError: because of [redacted]" in text
    assert "ValueError: invalid literal" in text
    assert "marker-raised" not in text


def test_installing_twice_cleans_once() -> None:
    redaction.install()
    factory = logging.getLogRecordFactory()
    redaction.install()

    assert logging.getLogRecordFactory() is factory
    assert logging.getLogRecordFactory()("n", 20, "p", 1, "m %s", ("x",), None).getMessage() == "m x"
