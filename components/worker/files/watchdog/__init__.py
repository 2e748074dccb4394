"""Looks after Kafka Connect once a minute: restarts what failed, and tells CloudWatch how the pipeline is.

Standalone mode never restarts a failed task, and systemd sees nothing but a JVM that is up. This runs as the
service's own user: to restart the service it ends the JVM, and systemd starts it again, with fresh secrets. It does
so too when the parameter store has another version of them.

On the VM this folder is a package by itself, without the project around it: its modules import each other by relative
imports, and nothing else of the project.
"""
