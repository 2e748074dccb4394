"""POST /v1/search, as far as a check of arrivals needs it: a part of Elasticsearch's query language."""

import fnmatch
import re
from collections.abc import Mapping, Sequence
from typing import Any

MOST_HITS = 10_000
_TOP = {"query", "from", "size"}
_TERM = re.compile(r'([@\w.]+):("(?:[^"\\]|\\.)*"|\S+)')


class SearchError(ValueError):
    """The search is not one that is understood here."""


def search(events: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to a search over events, the newest first.

    Raises:
        SearchError: it asks for something that is not known here.
    """
    if unknown := body.keys() - _TOP:
        raise SearchError(f"unknown: {sorted(unknown)}")
    size, start = int(body.get("size", 10)), int(body.get("from", 0))
    if not 0 <= size <= MOST_HITS:
        raise SearchError(f"size must be 0 to {MOST_HITS}")
    query = body.get("query", {"match_all": {}})
    found = sorted(
        (event for event in events if _matches(query, event)), key=lambda event: str(event["@timestamp"])
    )
    found.reverse()
    hits = [{"_source": dict(event)} for event in found[start : start + size]]
    return {"hits": {"total": len(found), "max_score": None, "hits": hits}}


def _matches(query: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    if len(query) != 1:
        raise SearchError("a query has one kind")
    ((kind, content),) = query.items()
    if kind == "match_all":
        return True
    if kind == "query_string":
        return _matches_text(content, event)
    raise SearchError(f"a query of kind {kind} is not known here")


def _matches_text(content: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """`field:value` and `field:"value*"`, joined by AND or OR (one of them)."""
    text = str(content["query"])
    if content.get("allow_leading_wildcard") is not False or ":*" in text or ':"*' in text:
        raise SearchError("query_string needs allow_leading_wildcard=false and no leading wildcard")
    terms = _TERM.findall(text)
    rest = _TERM.sub("", text).split()
    if not terms or set(rest) - {"AND", "OR"} or len(set(rest)) > 1:
        raise SearchError(f"query_string {text!r} is not known here")
    verdicts = [
        fnmatch.fnmatchcase(str(_field(event, name)), value.strip('"').replace("[", "[[]"))
        for name, value in terms
    ]
    return all(verdicts) if "AND" in rest else any(verdicts)


def _field(event: Mapping[str, Any], name: str) -> Any:
    value: Any = event
    for part in [name] if name in event else name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value
