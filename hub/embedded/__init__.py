"""PostgreSQL and Kafka from packages, run as children of the hub: nothing to install but Python."""
