"""The stand-in of the aws plugin: the resource types of this project, on any endpoint of the AWS API.

The property names and their behaviour are those of pulumi-aws 7: a test holds the names against the SDK, and
`python -m local claims` says where the behaviour was read. One deviation, which does not
concern the program: a resource is read and deleted in the provider's region; the real plugin uses the region in its
state.
"""
