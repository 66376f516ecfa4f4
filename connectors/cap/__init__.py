"""CAP 1.2 and 1.1 (OASIS Common Alerting Protocol): documents and feeds to events of the published language."""
