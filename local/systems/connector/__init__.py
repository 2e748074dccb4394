"""The stand-in for Confluent's S3 sink connector, packed as the vendor packs its own."""
