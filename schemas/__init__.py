"""The published language: every shape that crosses a process boundary, and the rules each must keep."""
