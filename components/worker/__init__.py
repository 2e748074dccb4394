"""ConnectWorker: the VM that runs the S3 sink, and every file on it."""
