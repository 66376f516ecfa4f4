"""Spreadsheets (CSV, XLSX) to events: an agency's columns are declared in TOML, no code is written for them."""
