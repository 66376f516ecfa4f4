"""The processes beside the gateway: Kafka ingest, the sequencer, the relay back to Kafka, and who may write there."""
