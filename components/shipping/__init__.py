"""The former name of `components.logzio`, for the state of running stacks only; see `provider`."""
