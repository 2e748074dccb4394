"""POST /v1/search, as far as checks of delivery need it: a part of Elasticsearch's query language.

The limits are those of the API description, "Search logs": 10,000 hits, 1,000 values of an aggregation, no leading
wildcard.
"""

import fnmatch
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

MOST_HITS = 10_000
MOST_BUCKETS = 1_000
MOST_TERMS = 65_536
"""Elasticsearch's own limit of a terms query (index.max_terms_count)."""
_TOP = {"query", "from", "size", "aggs", "_source"}
_TERM = re.compile(r'([@\w.]+):("(?:[^"\\]|\\.)*"|\S+)')


class SearchError(ValueError):
    """This part of the query language does not have the search."""


def search(events: Iterable[Mapping[str, Any]], body: Mapping[str, Any]) -> dict[str, Any]:
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
    shown = body.get("_source", {}).get("includes")
    hits = [{"_source": _only(shown, event)} for event in found[start : start + size]]
    answer: dict[str, Any] = {"hits": {"total": len(found), "max_score": None, "hits": hits}}
    if "aggs" in body:
        answer["aggregations"] = {name: _buckets(found, asked) for name, asked in body["aggs"].items()}
    return answer


def wanted_ids(body: Mapping[str, Any]) -> list[str] | None:
    """The ids of a search that asks for ids only; None for any other search."""
    query = body.get("query", {})
    terms = query.get("terms", {}) if isinstance(query, dict) else {}
    return list(terms["id"]) if list(query) == ["terms"] and list(terms) == ["id"] else None


def needed_texts(body: Mapping[str, Any]) -> list[str]:
    """Texts that every event found must contain in its JSON, so that a store need not read the others."""
    query = body.get("query")
    content = query.get("query_string") if isinstance(query, dict) else None
    text = str(content.get("query", "")) if isinstance(content, dict) else ""
    terms = _TERM.findall(text)
    if "AND" not in _TERM.sub("", text).split() and len(terms) != 1:
        return []
    starts = (re.split(r'[*?\\"]', value.strip('"'))[0] for _, value in terms)
    return [json.dumps(start)[1:-1] for start in starts if start]


def _only(names: Sequence[str] | None, event: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in event.items() if names is None or name in names}


def _buckets(events: Sequence[Mapping[str, Any]], asked: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a field and how many events have each, the most frequent first."""
    if list(asked) != ["terms"] or asked["terms"].keys() - {"field", "size"}:
        raise SearchError("only an aggregation of kind terms is known here")
    size = int(asked["terms"].get("size", 10))
    if not 0 < size <= MOST_BUCKETS:
        raise SearchError(f"the size of an aggregation must be 1 to {MOST_BUCKETS}")
    counts = Counter(
        value for event in events if isinstance(value := _field(event, asked["terms"]["field"]), str)
    )
    buckets = [{"key": key, "doc_count": count} for key, count in counts.most_common(size)]
    return {"sum_other_doc_count": max(0, len(counts) - size), "buckets": buckets}


def _matches(query: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    if len(query) != 1:
        raise SearchError("a query has one kind")
    ((kind, content),) = query.items()
    if kind == "match_all":
        return True
    if kind == "query_string":
        return _matches_text(content, event)
    if kind == "terms":
        ((field, values),) = content.items()
        if len(values) > MOST_TERMS:
            raise SearchError(f"more than {MOST_TERMS} terms")
        return _field(event, field) in values
    raise SearchError(f"a query of kind {kind} is not known here")


def _matches_text(content: Mapping[str, Any], event: Mapping[str, Any]) -> bool:
    """`field:value` and `field:"value*"`, joined by AND or by OR, not by both."""
    text = str(content["query"])
    if content.get("allow_leading_wildcard") is not False or ":*" in text or ':"*' in text:
        raise SearchError("query_string needs allow_leading_wildcard=false and no leading wildcard")
    terms = _TERM.findall(text)
    rest = _TERM.sub("", text).split()
    if not terms or set(rest) - {"AND", "OR"} or len(set(rest)) > 1:
        raise SearchError(f"query_string {text!r} is not known here")
    verdicts = [_has(event, name, value.strip('"').replace("[", "[[]")) for name, value in terms]
    return all(verdicts) if "AND" in rest else any(verdicts)


def _has(event: Mapping[str, Any], name: str, pattern: str) -> bool:
    """Whether a field has a value that matches; a list has each of its values."""
    value = _field(event, name)
    values = value if isinstance(value, list) else [value]
    return any(fnmatch.fnmatchcase(str(value), pattern) for value in values)


def _field(event: Mapping[str, Any], name: str) -> Any:
    value: Any = event
    for part in [name] if name in event else name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value
