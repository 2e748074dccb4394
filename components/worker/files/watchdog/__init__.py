"""Checks Kafka Connect once a minute: restarts what failed, and reports to CloudWatch.

Standalone mode never restarts a failed task, and systemd sees only that the JVM is up. The watchdog runs as the
service's own user: to restart the service it ends the JVM, and systemd starts it again with fresh secrets. It does the
same when the parameter store has another version of the secrets.

On the VM this folder is a package without the rest of the project: its modules import each other by relative imports,
and nothing else of the project.
"""
