"""CAP out: what is public as CAP 1.2 documents and an Atom feed; pure rendering, and the signature under it."""
