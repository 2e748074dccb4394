"""One stack from `pulumi up` to `pulumi destroy`: each module goes on where the one before it ended."""
