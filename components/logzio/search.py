"""What is asked of POST /v1/search, and what its answers mean (pure).

Source: API description, "Search logs". A text is mapped as a keyword (docs, "Understanding invalid log errors"), so an
id can be matched as a whole and aggregated.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from components.logzio.facts import INDEX_FAILURE, INVALID_LOG, INVALID_TAGS, MAX_AGGREGATED
from components.logzio.model import Failures

_VALUES = "values"
_SEEN_FAILURES = 100
_HELPFUL = ("id", "type", "tags", "source", "specversion", "event_type", "@timestamp", "message")


def of_values(field: str, values: Sequence[str]) -> dict[str, Any]:
    """Asks which of the values occur. An aggregation, since an event may be there twice.

    Raises:
        ValueError: there are more values than an answer can hold.
    """
    if len(values) > MAX_AGGREGATED:
        raise ValueError(f"{len(values)} values, at most {MAX_AGGREGATED} can be asked for at once")
    return {
        "size": 0,
        "query": {"terms": {field: list(values)}},
        "aggs": {_VALUES: {"terms": {"field": field, "size": MAX_AGGREGATED}}},
    }


def values_in(raw: Mapping[str, Any]) -> set[str]:
    """The values of an answer to `of_values`.

    Raises:
        KeyError, TypeError: it is no such answer.
    """
    return {str(bucket["key"]) for bucket in raw["aggregations"][_VALUES]["buckets"]}


def of_failures() -> dict[str, Any]:
    """Asks for events that were refused or cut, by type and by tag.

    A tag that is the text of a mapping error has no beginning that could be searched for.
    """
    kinds = (INDEX_FAILURE, INVALID_LOG)
    terms = [("type", kind) for kind in kinds] + [("tags", tag) for tag in (*kinds, *INVALID_TAGS)]
    marks = " OR ".join(f'{field}:"{value}"' for field, value in terms)
    return {
        "size": _SEEN_FAILURES,
        "query": {"query_string": {"query": marks, "allow_leading_wildcard": False}},
        "_source": {"includes": list(_HELPFUL)},
    }


def failures_in(raw: Mapping[str, Any]) -> Failures:
    """What an answer to `of_failures` tells.

    Raises:
        KeyError, TypeError, ValueError: it is no such answer.
    """
    hits = raw["hits"]
    total = hits["total"]
    # Elasticsearch 7 and later: {"value": n, "relation": ...}.
    count = int(total["value"] if isinstance(total, Mapping) else total)
    return Failures(count, tuple(dict(hit["_source"]) for hit in hits["hits"]))
