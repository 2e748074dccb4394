"""Guards: a stand-in must never touch a real account, and never run instead of the real plugin."""

import ipaddress
import os
import sys
from urllib.parse import urlsplit


def local_endpoint(package: str, variable: str) -> str:
    """The endpoint in `variable`; ends the process with a one-line message outside the local stack.

    The value is a URL or host:port; its host must be a loopback address or `localhost`.
    """
    if os.environ.get("CCLOUD_LOCAL_STACK") != "1":
        sys.exit(f"the stand-in of the {package} plugin runs inside the local stack only (make demo-up)")
    endpoint = os.environ.get(variable, "")
    if not is_loopback(endpoint):
        sys.exit(
            f"the stand-in of the {package} plugin needs a loopback endpoint in {variable}, got {endpoint!r}"
        )
    return endpoint


def is_loopback(endpoint: str) -> bool:
    """Whether an endpoint can only be on this machine."""
    host = urlsplit(endpoint if "://" in endpoint else f"//{endpoint}").hostname
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host or "").is_loopback
    except ValueError:
        return False
