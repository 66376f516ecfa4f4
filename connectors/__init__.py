"""Connectors turn what an agency already has into events and publish them; they import `schemas` and never `hub`."""
