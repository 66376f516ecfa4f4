"""What crosses to the other node, and how it is written: anchors, envelopes, batches, receipts, releases. Pure."""
