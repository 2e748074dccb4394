"""Which addresses are of this machine."""

LOOPBACK = ("127.0.0.1", "localhost", "::1")
"""The only hosts that an address in the settings may name without TLS."""
