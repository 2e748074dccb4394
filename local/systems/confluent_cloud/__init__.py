"""The emulator of Confluent Cloud's API: the calls of `make preflight` about clusters, environments and API keys.

It knows the local audit-log cluster, and the API keys that the stand-in of the confluentcloud plugin made.

Source of paths, parameters and bodies: confluentinc/ccloud-sdk-go-v2, `apikeys/v2/api/openapi.yaml` (166d504),
`cmk/v2/docs/CmkV2ClusterSpec.md` (1ab527a), `org/v2/docs/OrgV2Environment.md` (209144c), read on 2026-11-27. Not
verified: that the API answers 404, and not 403, for a cluster that does not exist.
"""
