"""The table of resource types, and the provider that works from it."""

from local.systems.plugins.confluentcloud import acls, identities, keys, topics
from local.systems.plugins.confluentcloud.cloud import Cloud
from local.systems.plugins.confluentcloud.functions import FUNCTIONS
from local.systems.plugins.stand_in import StandIn

KINDS = {**keys.KINDS, **identities.KINDS, **topics.KINDS, **acls.KINDS}

SETTINGS = frozenset({"cloudApiKey", "cloudApiSecret", "endpoint", "maxRetries", "version"})
"""Accepted and ignored: there are the local clusters, and no cloud API."""


def stand_in(cloud: Cloud) -> StandIn[Cloud]:
    """The provider, for the local stack's clusters."""
    return StandIn(
        "confluentcloud",
        kinds=KINDS,
        functions=FUNCTIONS,
        settings=SETTINGS,
        connect=lambda _configuration: cloud,
        is_gone=lambda _error: False,
    )
