"""The demo: two nodes on this machine, the shipped samples through the whole path, and what each reader got."""
