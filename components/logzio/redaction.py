"""Keeps tokens and keys out of all output: errors, logs, tracebacks.

A secret is remembered where it enters; after that, no call needs to handle it specially.
"""

import json
import logging
import re
import threading
import traceback
from typing import Any
from urllib.parse import quote

MASK = "[redacted]"

# A shorter text could be an ordinary word, and keys and tokens of AWS and Logz.io are longer.
_SHORTEST = 6

# Ids of AWS keys, also those that were not remembered.
_AWS_KEY_ID = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b")

_lock = threading.Lock()
_known: set[str] = set()


def remember(*secrets: str | None) -> None:
    """Masks these texts from now on, also percent-encoded and inside JSON."""
    with _lock:
        for secret in secrets:
            if secret and len(secret) >= _SHORTEST:
                _known.update({secret, quote(secret, safe=""), json.dumps(secret)[1:-1]})


def clean(text: str) -> str:
    """The text with every remembered secret, and every id of an AWS key, masked."""
    with _lock:
        secrets = sorted(_known, key=len, reverse=True)
    for secret in secrets:
        text = text.replace(secret, MASK)
    return _AWS_KEY_ID.sub(MASK, text)


def install() -> None:
    """Cleans every log record of this process when it is created, for all loggers and handlers.

    A filter on a logger would miss the records of its children, and a filter on a handler those of other handlers.
    """
    with _lock:
        born = logging.getLogRecordFactory()
        if born is not _clean_record:
            _before.append(born)
            logging.setLogRecordFactory(_clean_record)


_before: list[Any] = []


def _clean_record(*arguments: Any, **keywords: Any) -> logging.LogRecord:
    record: logging.LogRecord = _before[-1](*arguments, **keywords)
    record.msg, record.args = clean(record.getMessage()), ()
    if record.exc_info and record.exc_info[0] is not None:
        # A formatter uses this text instead of formatting the exception.
        record.exc_text = clean("".join(traceback.format_exception(*record.exc_info)).rstrip())
    return record
