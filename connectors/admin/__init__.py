"""What administrators do from a terminal: as clients of their node's gateway, each under their own name and key."""
