"""State that earlier versions wrote: its dynamic providers must load and run."""

import base64
import pickle

import pytest
from pulumi.dynamic import ResourceProvider
from pulumi.dynamic.dynamic import serialize_provider

from components.logzio.provider import AccountProvider, RegistrationProvider

# The property `__provider` of these resources, as the programs of version 0.1.0 (commit 1d73ee1) and of the last commit
# before the move to components/logzio (554c820) write it. Both write the same.
WRITTEN: dict[type[ResourceProvider], str] = {
    RegistrationProvider: "gASVPAAAAAAAAACMHGNvbXBvbmVudHMuc2hpcHBpbmcucHJvdmlkZXKUjBRSZWdpc3RyYXRpb25Qcm92aWRlcpST"
    "lCmBlC4=",
    AccountProvider: "gASVNwAAAAAAAACMHGNvbXBvbmVudHMuc2hpcHBpbmcucHJvdmlkZXKUjA9BY2NvdW50UHJvdmlkZXKUk5QpgZQu",
}


@pytest.mark.parametrize("provider", WRITTEN)
def test_a_provider_of_an_earlier_version_is_todays(provider: type[ResourceProvider]) -> None:
    content = base64.b64decode(WRITTEN[provider])

    assert b"components.shipping.provider" in content
    assert type(pickle.loads(content)) is provider  # noqa: S301  # written above


@pytest.mark.parametrize("provider", WRITTEN)
def test_todays_provider_is_written_under_its_own_path(provider: type[ResourceProvider]) -> None:
    content = base64.b64decode(serialize_provider(provider()))

    assert b"components.logzio.provider" in content
    assert type(pickle.loads(content)) is provider  # noqa: S301  # just made
