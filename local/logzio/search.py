"""POST /v1/search, as far as a check of arrivals needs it: a part of Elasticsearch's query language."""

import fnmatch
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

MOST_HITS = 10_000
_TOP = {"query", "from", "size", "sort", "_source", "aggs", "post_filter", "docvalue_fields", "version"}
_RELATIVE = re.compile(r"now(?:-(\d+)([smhd]))?")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_TERM = re.compile(r'([@\w.]+):("(?:[^"\\]|\\.)*"|\S+)')


class SearchError(ValueError):
    """The search is not one that is understood here."""


def search(events: Sequence[Mapping[str, Any]], body: Mapping[str, Any], *, now: datetime) -> dict[str, Any]:
    """The answer to a search over events.

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
        (event for event in events if _matches(query, event, now)), key=lambda event: str(event["@timestamp"])
    )
    found.reverse()
    hits = [{"_source": dict(event)} for event in found[start : start + size]]
    return {
        "hits": {"total": len(found), "max_score": None, "hits": hits},
        "aggregations": {name: _aggregate(one, found) for name, one in body.get("aggs", {}).items()},
    }


def _matches(query: Mapping[str, Any], event: Mapping[str, Any], now: datetime) -> bool:
    if len(query) != 1:
        raise SearchError("a query has one kind")
    ((kind, content),) = query.items()
    if kind == "match_all":
        return True
    if kind == "bool":
        return _matches_bool(content, event, now)
    if kind == "query_string":
        return _matches_text(content, event)
    if kind == "exists":
        return _field(event, content["field"]) is not None
    if kind in ("term", "match", "match_phrase", "terms"):
        ((name, wanted),) = content.items()
        values = (
            wanted
            if kind == "terms"
            else [wanted.get("value", wanted.get("query")) if isinstance(wanted, dict) else wanted]
        )
        return _field(event, name) in values
    if kind == "range":
        ((name, limits),) = content.items()
        return _is_within(_field(event, name), limits, now)
    raise SearchError(f"a query of kind {kind} is not known here")


def _matches_bool(content: Mapping[str, Any], event: Mapping[str, Any], now: datetime) -> bool:
    def each(name: str) -> list[bool]:
        queries = content.get(name, [])
        return [_matches(one, event, now) for one in (queries if isinstance(queries, list) else [queries])]

    required = each("must") + each("filter")
    should = each("should")
    return all(required) and not any(each("must_not")) and (not should or bool(required) or any(should))


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


def _is_within(value: Any, limits: Mapping[str, Any], now: datetime) -> bool:
    moment = datetime.fromisoformat(str(value))
    tests = {
        "gte": lambda limit: moment >= limit,
        "gt": lambda limit: moment > limit,
        "lte": lambda limit: moment <= limit,
        "lt": lambda limit: moment < limit,
    }
    return all(tests[name](_moment(limit, now)) for name, limit in limits.items() if name in tests)


def _moment(text: Any, now: datetime) -> datetime:
    relative = _RELATIVE.fullmatch(str(text))
    if relative is None:
        moment = datetime.fromisoformat(str(text))
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    number, unit = relative.groups()
    return now - timedelta(**{_UNITS[unit]: int(number)}) if unit else now


def _field(event: Mapping[str, Any], name: str) -> Any:
    value: Any = event
    for part in [name] if name in event else name.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def _aggregate(wanted: Mapping[str, Any], events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    ((kind, content),) = wanted.items()
    values = [value for event in events if (value := _field(event, content["field"])) is not None]
    if kind == "value_count":
        return {"value": len(values)}
    if kind == "cardinality":
        return {"value": len({str(value) for value in values})}
    if kind == "terms":
        counts = {str(value): 0 for value in values}
        for value in values:
            counts[str(value)] += 1
        most = sorted(counts.items(), key=lambda item: -item[1])[: int(content.get("size", 10))]
        return {"buckets": [{"key": key, "doc_count": count} for key, count in most]}
    raise SearchError(f"an aggregation of kind {kind} is not known here")
