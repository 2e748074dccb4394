"""Stand-ins of resource plugins: the engine talks to them as to the real ones, over the same wire."""
