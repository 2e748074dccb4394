"""The local AWS: moto with IAM enforcement that understands what this project's policies say.

`python -m local.systems.aws --state DIR --ready-file FILE` serves all AWS services on one loopback port.

- `policy` evaluates policy documents (pure functions).
- `authorization` puts that evaluation in the place of moto's own, request by request.
- `permissions` says which actions and resources a request needs.
- `accounts` makes the identities that exist before enforcement begins.
- `traffic` counts S3 requests.
"""
