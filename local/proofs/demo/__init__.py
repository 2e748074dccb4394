"""The demo: events go in at Kafka's end, and at the other ends everything must come out."""
