"""Requests to the servers of the local stack: without a proxy, with a long timeout for a busy machine."""

import functools
import ssl
from typing import Any

import httpx

TIMEOUT = httpx.Timeout(300.0)


def get(url: str, **options: Any) -> httpx.Response:
    """As `httpx.get`."""
    return httpx.get(url, **_common(), **options)


def post(url: str, **options: Any) -> httpx.Response:
    """As `httpx.post`."""
    return httpx.post(url, **_common(), **options)


def put(url: str, **options: Any) -> httpx.Response:
    """As `httpx.put`."""
    return httpx.put(url, **_common(), **options)


def delete(url: str, **options: Any) -> httpx.Response:
    """As `httpx.delete`."""
    return httpx.delete(url, **_common(), **options)


def _common() -> dict[str, Any]:
    return {"trust_env": False, "timeout": TIMEOUT, "verify": _context()}


@functools.cache
def _context() -> ssl.SSLContext:
    """Each call of `httpx.get` would make its own: 30 to 50 ms of CPU, where the request takes 1 ms."""
    return httpx.create_ssl_context(trust_env=False)
