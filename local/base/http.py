"""Requests to the servers of the local stack: without a proxy, with a long timeout for a busy machine."""

from typing import Any

import httpx

TIMEOUT = httpx.Timeout(300.0)


def get(url: str, **options: Any) -> httpx.Response:
    """As `httpx.get`."""
    return httpx.get(url, trust_env=False, timeout=TIMEOUT, **options)


def post(url: str, **options: Any) -> httpx.Response:
    """As `httpx.post`."""
    return httpx.post(url, trust_env=False, timeout=TIMEOUT, **options)


def put(url: str, **options: Any) -> httpx.Response:
    """As `httpx.put`."""
    return httpx.put(url, trust_env=False, timeout=TIMEOUT, **options)


def delete(url: str, **options: Any) -> httpx.Response:
    """As `httpx.delete`."""
    return httpx.delete(url, trust_env=False, timeout=TIMEOUT, **options)
