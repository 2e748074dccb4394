"""Keeps tokens and keys out of everything that is said: errors, logs, tracebacks.

Secrets are remembered once, where they enter; from then on no call has to think of them.
"""

import json
import logging
import re
import threading
import traceback
from typing import Any
from urllib.parse import quote

MASK = "[redacted]"

# A shorter text cannot be told from ordinary words, and is no key or token of AWS or Logz.io.
_SHORTEST = 6

# Ids of AWS keys, also of such as nobody remembered.
_AWS_KEY_ID = re.compile(r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}\b")

_lock = threading.Lock()
_known: set[str] = set()


def remember(*secrets: str | None) -> None:
    """From now on these texts are masked, also where they are percent-encoded or inside JSON."""
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
    """Cleans every log record of this process at its birth, whatever logger and handler it goes to.

    A filter on a logger would miss the records of its children, one on a handler those of other handlers.
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
        # A formatter takes this text rather than to format the exception itself.
        record.exc_text = clean("".join(traceback.format_exception(*record.exc_info)).rstrip())
    return record
