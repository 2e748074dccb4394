"""The former import path of the dynamic providers.

Pulumi pickles a provider into the state of each resource, as a reference to its class by this path. Stacks of version
0.1.0 and later were made with it: `destroy` and `refresh` load the provider from here until an `up` that changes the
resource has written the new path. New code imports `components.logzio.provider`.
"""

from components.logzio.provider import AccountProvider, RegistrationProvider

__all__ = ["AccountProvider", "RegistrationProvider"]
