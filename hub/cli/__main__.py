"""`python -m hub.cli`, which is how a node starts its own processes."""

from hub.cli import main

main()
