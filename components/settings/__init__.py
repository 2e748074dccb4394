"""Every setting: type, default, description, rule. All problems are reported at once, before anything is made.

The stack file holds one object per section (`ccloud-logexporter:source`, `:archive`, `:writer`, `:connector`,
`:worker`, `:logzio`, `:tags`), with names in camelCase. Secrets are never echoed: neither by an error here nor
by the validation library.

`sections` has the settings, `checks` what one value must be, `rules` what several must be together, `reading` takes
them from a stack.
"""

from components.settings import stack_file
from components.settings.checks import normalise_bootstrap_servers
from components.settings.problems import NAMESPACE, SettingsError, problem
from components.settings.reading import from_pulumi, load, load_config, load_stack_file, secret, warnings
from components.settings.rules import require_region
from components.settings.sections import Connector, Iam, Settings, Source

__all__ = [
    "NAMESPACE",
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
