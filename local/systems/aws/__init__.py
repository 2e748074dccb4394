"""The local AWS: moto with an enforcement of IAM that understands this project's policies.

`python -m local.systems.aws --state DIR --ready-file FILE` serves all AWS services on one loopback port.

- `policy` evaluates policy documents (pure functions).
- `authorization` replaces moto's own evaluation with it, request by request.
- `permissions` says which actions and resources a request needs; `inventory` knows the resources that exist.
- `simulation` answers SimulatePrincipalPolicy with the same evaluation.
- `accounts` creates the identities that exist before enforcement begins.
- `quotas` has the quotas that moto lacks.
- `traffic` counts S3 requests.
"""
