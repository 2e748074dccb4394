"""Which addresses are of this machine."""

LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""The only hosts to which anything goes without TLS."""
