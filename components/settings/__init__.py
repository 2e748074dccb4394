"""Every setting: type, default, description, validation. All problems are reported at once, before anything is made.

The stack file holds one object per section (`ccloud-logexporter:source`, `:archive`, `:writer`, `:connector`,
`:worker`, `:fleet`, `:alarms`, `:logzio`, `:tags`), with names in camelCase. No error shows a secret, neither one of
this package nor one of the validation library.

- `sections` has the settings, `types` the checks of single values, `validators` those of several settings together.
- `loader` reads the settings of a stack, `stack_file` a file without Pulumi's engine; `draft` holds the settings while
  they are validated, `errors` has the error that names all problems.
- `describe` puts into words what a setting accepts.
- `sizing`, `platforms` and `connector_properties` have facts that the validation needs.
"""

from components.settings import stack_file
from components.settings.errors import NAMESPACE, SettingsError, problem
from components.settings.loader import (
    PLACEHOLDER,
    from_pulumi,
    load,
    load_config,
    load_stack_file,
    secret,
    warnings,
)
from components.settings.sections import Connector, Iam, Settings, Source
from components.settings.types import normalise_bootstrap_servers
from components.settings.validators import require_region

__all__ = [
    "NAMESPACE",
    "PLACEHOLDER",
    "Connector",
    "Iam",
    "Settings",
    "SettingsError",
    "Source",
    "from_pulumi",
    "load",
    "load_config",
    "load_stack_file",
    "normalise_bootstrap_servers",
    "problem",
    "require_region",
    "secret",
    "stack_file",
    "warnings",
]
