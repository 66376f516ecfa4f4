"""A country's node: ingest accepts, PostgreSQL remembers, the policy decides, the gateway answers."""
