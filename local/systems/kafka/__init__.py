"""The audit-log cluster of the local stack: one real Kafka broker that ordinary keys may only read from."""
