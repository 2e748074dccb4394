"""The stand-in of the aws plugin: the resource types of this project, on any endpoint of the AWS API.

The property names and their behaviour are those of pulumi-aws 7 (a test holds the names against the SDK).
Two deviations, neither of which the program meets: renaming an IAM user, and moving a subnet to another route
table, make a new resource here and are done in place by the real plugin.
"""
