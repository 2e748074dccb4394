"""The stand-in of the confluentcloud plugin: API keys of the local broker, and the lookups of the program.

Property names and behaviour are those of pulumi-confluentcloud 2.87: a test holds the names against the SDK, and
`python -m local claims` says where the behaviour was read.
"""
