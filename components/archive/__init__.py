"""The bucket: what guards it, who writes to it, and the keys of its objects."""
