"""Confluent's package server of the local stack: a signed apt repository and the connector's archive."""
