"""The hosts of this machine itself."""

LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""The only hosts that the settings may address without TLS."""
